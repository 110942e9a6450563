"""Max pooling against numpy."""

import numpy as np
import pytest

from subbit.hw.layers.maxpool2d import MaxPool2dUnit
from subbit.sw.cycles import run
from subbit.sw.ir.types import TensorType
from tests.hw.harness import check_unit

CODES = [
    # height, width, channels, bits, lanes
    (4, 4, 1, 1, 1),
    (2, 2, 1, 1, 1),
    (2, 2, 4, 1, 2),
    (4, 6, 4, 1, 4),
    (5, 4, 2, 2, 1),
    (4, 5, 6, 3, 2),
    (7, 7, 3, 8, 1),
    (3, 3, 2, 4, 2),
    (2, 3, 6, 5, 3),
]


def frames(unit: MaxPool2dUnit, count: int) -> np.ndarray:
    x = unit.input
    shape = (count * x.elements // unit.lanes, unit.lanes)
    return np.random.default_rng(x.elements).integers(x.low, x.high + 1, shape)


@pytest.mark.parametrize(("height", "width", "channels", "bits", "lanes"), CODES)
def test_codes(height: int, width: int, channels: int, bits: int, lanes: int) -> None:
    unit = MaxPool2dUnit(input=TensorType.codes(height, width, channels, bits), lanes=lanes)
    check_unit(unit, frames(unit, 3))


@pytest.mark.parametrize(("low", "high"), [(-9, 4), (-1, 0), (0, 300), (-100, -50)])
@pytest.mark.parametrize("memory", ["block", "distributed"])
def test_integers(low: int, high: int, memory: str) -> None:
    unit = MaxPool2dUnit(input=TensorType.integers(5, 4, 4, low, high), lanes=2, memory=memory)
    check_unit(unit, frames(unit, 2))


@pytest.mark.parametrize(("height", "width", "channels", "bits", "lanes"), CODES)
def test_interval(height: int, width: int, channels: int, bits: int, lanes: int) -> None:
    unit = MaxPool2dUnit(input=TensorType.codes(height, width, channels, bits), lanes=lanes)
    assert run(list(unit.processes()), 3).interval_cycles == unit.interval_cycles


def test_reference_takes_the_greatest_of_each_block() -> None:
    unit = MaxPool2dUnit(input=TensorType.codes(3, 2, 1, 8), lanes=1)
    assert unit.reference(np.array([[3], [9], [7], [1], [200], [201]])).tolist() == [[9]]
