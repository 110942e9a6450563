"""Requantisation between two streams against its unit."""

import numpy as np
import pytest

from subbit.hw.post.requantise import RequantiseUnit
from subbit.sw.errors import PlanError
from subbit.sw.ir import Requantise, TensorType
from subbit.sw.ir.random_weights import random_requantise
from tests.hw.harness import check_unit


def layer(
    scale: list[list[int]], offset: list[list[int]], knee: list[int], *rest: int
) -> Requantise:
    """A layer of lists."""
    shift, low, high = rest
    return Requantise(np.array(scale), np.array(offset), np.array(knee), shift, low, high)


ONE = [[3000], [-5000], [131071], [0]], [[2048], [1 << 30], [0], [-7]], [0] * 4
TWO = [[4096, 900], [5000, -1000], [-3, 7]], [[2048, -9], [0, 1], [5, 5]], [0, -20, 999]


@pytest.mark.parametrize(
    ("made", "lanes", "latency"),
    [
        (layer(*ONE, 12, -(1 << 31), 1 << 31), 2, 4),  # no limit is reached
        (layer(*ONE, 12, -100, 100), 4, 5),
        (layer(*ONE, 12, 0, 1 << 31), 1, 5),  # a ReLU
        (layer(*ONE, 0, -(1 << 31), 1000), 1, 5),
        (layer(*TWO, 12, -(1 << 31), 1 << 31), 1, 5),
        (layer(*TWO, 12, -10, 30), 3, 6),
        (layer(*TWO, 40, -1, 0), 6, 5),  # two pixels, and sums shorter than the shift
        (layer([[5], [5]], [[1], [1]], [0, 0], 3, -9, 9), 2, 5),  # constants
        (layer([[5, 1], [5, 1]], [[1, 0], [1, 0]], [0, 0], 3, -9, 9), 1, 6),
    ],
)
@pytest.mark.parametrize(("low", "high"), [(-50, 70), (3, 200)])
def test_requantise(made: Requantise, lanes: int, latency: int, low: int, high: int) -> None:
    tensor = TensorType.integers(2, 2, made.channels, low, high)
    unit = RequantiseUnit(layer=made, input=tensor, lanes=lanes)
    if low < 0:
        assert unit.processes()[0].latency == latency
    rng = np.random.default_rng(made.channels)
    beats = rng.integers(low, high + 1, (3 * unit.i_beats, lanes))
    beats[:2] = [[low] * lanes, [high] * lanes]
    check_unit(unit, beats)


@pytest.mark.parametrize("seed", range(6))
def test_random_layers(seed: int) -> None:
    rng = np.random.default_rng(seed)
    channels, reach = int(rng.integers(1, 9)), int(rng.integers(2, 1 << 17))
    made = random_requantise(rng, channels, reach, int(rng.integers(2, 9)), lines=1 + seed % 2)
    tensor = TensorType.integers(3, 2, channels, -reach, reach)
    unit = RequantiseUnit(layer=made, input=tensor, lanes=channels * (1 + seed % 3 // 2))
    check_unit(unit, rng.integers(-reach, reach + 1, (2 * unit.i_beats, unit.lanes)), seed)


def test_constants_in_block_ram() -> None:
    rng = np.random.default_rng(1)
    made = random_requantise(rng, 128, 99, 8, lines=2)
    unit = RequantiseUnit(layer=made, input=TensorType.integers(1, 1, 128, -99, 99), lanes=1)
    assert unit.core.table.style == "block"
    check_unit(unit, rng.integers(-99, 100, (256, 1)))


def test_lanes_must_divide_the_channels() -> None:
    made = random_requantise(np.random.default_rng(1), 3, 9, 4)
    with pytest.raises(PlanError, match="a beat of 2 elements does not fit"):
        RequantiseUnit(layer=made, input=TensorType.integers(1, 1, 3, -9, 9), lanes=2)
