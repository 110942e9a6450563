"""Scale and offset between two streams against their unit."""

import numpy as np
import pytest

from subbit.hw.post.affine import AffineUnit
from subbit.sw.errors import PlanError
from subbit.sw.ir import Affine, TensorType
from tests.hw.harness import check_unit


@pytest.mark.parametrize(
    ("scale", "offset", "lanes", "low", "high", "latency"),
    [
        ([3, -5, 131, 0], [1, -100, 0, 7], 2, -50, 50, 4),
        ([3, -5, 131, 0], [1, -100, 0, 7], 4, 0, 200, 4),
        ([-1, -1], [5, 5], 1, -3, 12, 4),  # constants, but no shift
        ([7, 7, 7], [0, 1, 2], 1, -1000, 999, 4),
        ([1, 1, 1], [0, 1, -2], 1, -9, 9, 3),  # no multiplier
        ([4, 4], [1, 1], 2, -9, 9, 3),
        ([1], [0], 1, -9, 9, 3),
        ([-131072, 131071], [1 << 38, -(1 << 38)], 1, -128, 127, 4),
    ],
)
def test_affine(
    scale: list[int], offset: list[int], lanes: int, low: int, high: int, latency: int
) -> None:
    tensor = TensorType.integers(2, 2, len(scale), low, high)
    unit = AffineUnit(layer=Affine(np.array(scale), np.array(offset)), input=tensor, lanes=lanes)
    assert unit.processes()[0].latency == latency
    rng = np.random.default_rng(len(scale))
    beats = rng.integers(low, high + 1, (3 * unit.i_beats, lanes))
    beats[:2] = [[low] * lanes, [high] * lanes]
    check_unit(unit, beats)


@pytest.mark.parametrize(("spread", "latency"), [(1, 4), (5, 5)])
def test_constants_in_block_ram(spread: int, latency: int) -> None:
    rng = np.random.default_rng(spread)
    layer = Affine(rng.integers(1, 1 + spread, 128), rng.integers(-900, 900, 128))
    unit = AffineUnit(layer=layer, input=TensorType.integers(1, 1, 128, -20, 20), lanes=1)
    assert unit.processes()[0].latency == latency
    check_unit(unit, rng.integers(-20, 21, (256, 1)))


def test_lanes_must_divide_the_channels() -> None:
    layer = Affine(np.ones(3, np.int64), np.zeros(3, np.int64))
    with pytest.raises(PlanError, match="a beat of 2 elements does not fit"):
        AffineUnit(layer=layer, input=TensorType.integers(1, 1, 3, -9, 9), lanes=2)
