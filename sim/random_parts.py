"""Random weights, thresholds and scales of the cases of components, the same each time."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from subbit.sw.ir.layers.affine import Affine
from subbit.sw.ir.layers.threshold import Threshold
from subbit.sw.ir.planes import PlanesWeights
from subbit.sw.ir.random_weights import (
    random_binary,
    random_codebook,
    random_threshold,
    random_tiled,
)
from subbit.sw.ir.weights import CodebookWeights, Weights

__all__ = ["RNG", "affine", "bits", "codebook", "plain", "planes", "thresholds", "tiled"]

RNG = np.random.default_rng


def bits(seed: int, *shape: int) -> Any:
    """Random bits."""
    return RNG(seed).integers(0, 2, shape, np.uint8)


def plain(outputs: int, length: int) -> Weights:
    """Random binary weights of a linear layer."""
    return random_binary(RNG(outputs), (outputs, length))


def codebook(outputs: int, inputs: int, tau: int) -> CodebookWeights:
    """Random 3x3 codebook weights."""
    return random_codebook(RNG(outputs), outputs, inputs, tau)


def tiled(outputs: int, length: int, scales: Sequence[int]) -> Weights:
    """Random tiled weights of a linear layer, a repeat for each scale."""
    weights = random_tiled(RNG(outputs), (outputs, length), len(scales))
    return replace(weights, scales=np.array(scales, np.int64))


def planes(outputs: int, count: int) -> Weights:
    """Random weights of several bits for 2 channels of 3x3: codebooks and plain planes in turn."""
    shape = (outputs, 2, 3, 3)
    kinds: list[Callable[[int], Weights]] = [
        lambda k: codebook(outputs, 2, 2),
        lambda k: random_binary(RNG(k), shape),
    ]
    return PlanesWeights(tuple(kinds[k % 2](k) for k in range(count)))


def thresholds(channels: int, levels: int, reach: int) -> Threshold:
    """Random thresholds in ``-reach..reach``, both polarities."""
    return random_threshold(RNG(channels), channels, levels, reach)


def affine(channels: int) -> Affine:
    """Random scales and offsets."""
    scale, offset = RNG(channels).integers(-99, 100, (2, channels))
    return Affine(scale, offset)
