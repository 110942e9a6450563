"""The direct engine against its unit."""

from typing import Any

import numpy as np
import pytest
from harness import check_unit

from subbit.sw.ir import BinaryWeights, Encoding, Threshold
from subbit.sw.ir.weights import Weights
from subbit.sw.units.dot import Dot
from subbit.sw.units.unit import Beats

BIPOLAR, UNSIGNED = Encoding.BIPOLAR, Encoding.UNSIGNED


def plain(rng: Any, outputs: int, length: int) -> Weights:
    return BinaryWeights(rng.integers(0, 2, (outputs, length)))


def thresholds(rng: Any, outputs: int, reach: int, bits: int) -> Threshold:
    table = np.sort(rng.integers(-reach, reach + 1, (outputs, (1 << bits) - 1)), axis=1)
    return Threshold(table, rng.integers(0, 2, outputs))


def frames(rng: Any, unit: Dot, count: int) -> Beats:
    """Random vectors, each repeated for its passes, as the replay before the engine does it."""
    vectors = rng.integers(0, 1 << unit.i.bits, (count * unit.vectors, unit.words * unit.simd))
    return np.repeat(vectors, unit.passes, axis=0).reshape(-1, unit.simd)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
@pytest.mark.parametrize("encoding", [BIPOLAR, UNSIGNED])
@pytest.mark.parametrize(
    ("outputs", "length", "pe", "simd"),
    [(4, 12, 2, 4), (3, 18, 1, 18), (6, 18, 6, 9), (4, 10, 4, 10), (2, 6, 1, 1), (8, 32, 4, 16)],
)
def test_plain(
    bits: int, encoding: Encoding, outputs: int, length: int, pe: int, simd: int
) -> None:
    rng = np.random.default_rng(length * bits)
    post = thresholds(rng, outputs, length * bits, 1 + bits % 3)
    unit = Dot(plain(rng, outputs, length), encoding, bits, False, pe, simd, 3, post)
    check_unit(unit, frames(rng, unit, 2))
