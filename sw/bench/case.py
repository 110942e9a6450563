"""What cases of units are made of: random layers, the same for every case, and direct engines."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from subbit.hw.contract.unit import Unit
from subbit.hw.dot.dot import DotUnit
from subbit.sw.ir.layers.affine import Affine
from subbit.sw.ir.layers.requantise import Requantise
from subbit.sw.ir.layers.threshold import Threshold
from subbit.sw.ir.random_weights import (
    random_affine,
    random_binary,
    random_requantise,
    random_threshold,
)
from subbit.sw.ir.types import Encoding
from subbit.sw.ir.weights import Weights

__all__ = ["UnitCase", "affine", "chance", "dot_unit", "plain", "requantised", "same", "thresholds"]

VECTORS = 16


@dataclass(frozen=True)
class UnitCase:
    """A unit for each family: ``make`` takes the fabric, which is the form of its counters."""

    name: str
    make: Callable[[str], Unit]


def same(name: str, unit: Unit) -> UnitCase:
    """A unit without counters."""
    return UnitCase(name, lambda fabric: unit)


def chance() -> np.random.Generator:
    """The same random numbers for every case."""
    return np.random.default_rng(5)


def plain(outputs: int, *shape: int) -> Weights:
    """Binary weights."""
    return random_binary(chance(), (outputs, *shape))


def thresholds(channels: int, reach: int, bits: int = 1) -> Threshold:
    """Thresholds within ``reach``."""
    return random_threshold(chance(), channels, (1 << bits) - 1, reach)


def affine(channels: int) -> Affine:
    """Scales and offsets."""
    return random_affine(chance(), channels)


def requantised(channels: int, reach: int, lines: int = 1) -> Requantise:
    """Lines onto 8 bits."""
    return random_requantise(chance(), channels, reach, 8, lines=lines)


def dot_unit(
    weights: Weights,
    post: Threshold | Affine | None,
    *,
    pe: int,
    simd: int,
    form: str,
    bits: int = 1,
    **more: Any,
) -> DotUnit:
    """A direct engine of 16 vectors a frame, of bipolar inputs without masks unless ``more``, the
    unit's other settings, say so.
    """
    usual: dict[str, Any] = {"encoding": Encoding.BIPOLAR, "masked": False, "vectors": VECTORS}
    return DotUnit(
        weights=weights, bits=bits, pe=pe, simd=simd, post=post, form=form, **(usual | more)
    )
