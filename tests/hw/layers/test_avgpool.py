"""Pooling sums against numpy."""

from dataclasses import replace

import numpy as np
import pytest

from subbit.hw.layers.avgpool2d import AvgPool2dUnit
from subbit.hw.layers.globalavgpool import GlobalAvgPoolUnit
from subbit.sw.cycles import run
from subbit.sw.errors import NetworkError, PlanError
from subbit.sw.ir.layers.avgpool2d import AvgPool2d
from subbit.sw.ir.types import Encoding, TensorType
from tests.hw.harness import check_unit
from tests.hw.planted import Dropped, Watched

CODES, INTEGERS = TensorType.codes, TensorType.integers
UNSIGNED = Encoding.UNSIGNED
POOLS = [
    # input, kernel, stride, lanes
    (CODES(4, 4, 1, 1), 2, 2, 1),
    (CODES(2, 2, 4, 1), 2, 2, 2),
    (CODES(5, 7, 4, 2), 2, 2, 4),
    (CODES(6, 6, 2, 8, UNSIGNED), 3, 3, 1),
    (CODES(7, 5, 3, 3), 3, 2, 3),
    (CODES(5, 6, 2, 1), 3, 1, 1),
    (CODES(8, 9, 2, 2, UNSIGNED), 2, 3, 2),
    (CODES(8, 8, 1, 4), 8, 8, 1),
    (CODES(8, 10, 1, 1), 8, 1, 1),
    (INTEGERS(5, 4, 4, -9, 4), 2, 1, 2),
    (INTEGERS(4, 4, 2, 3, 300), 2, 2, 2),
    (INTEGERS(6, 5, 2, -100, -50), 3, 1, 1),
]


def frames(unit: AvgPool2dUnit | GlobalAvgPoolUnit, count: int) -> np.ndarray:
    x = unit.input
    shape = (count * x.elements // unit.lanes, unit.lanes)
    beats = np.random.default_rng(x.elements).integers(x.low, x.high + 1, shape)
    beats[: len(beats) // count] = x.high
    beats[len(beats) // count : 2 * len(beats) // count] = x.low
    return beats


@pytest.mark.parametrize(("x", "kernel", "stride", "lanes"), POOLS)
def test_windows(x: TensorType, kernel: int, stride: int, lanes: int) -> None:
    unit = AvgPool2dUnit(layer=AvgPool2d(kernel, stride), input=x, lanes=lanes)
    check_unit(unit, frames(unit, 3))
    assert run(unit.processes(), 3).interval_cycles == unit.interval_cycles


@pytest.mark.parametrize("x", [CODES(3, 2, 4, 1), CODES(3, 3, 4, 3), INTEGERS(2, 2, 4, -9, 99)])
@pytest.mark.parametrize("lanes", [1, 2, 4])
def test_whole_maps(x: TensorType, lanes: int) -> None:
    unit = GlobalAvgPoolUnit(input=x, lanes=lanes)
    check_unit(unit, frames(unit, 3))
    assert run(unit.processes(), 3).interval_cycles == unit.interval_cycles


def test_one_pixel_is_its_own_sum() -> None:
    unit = GlobalAvgPoolUnit(input=CODES(1, 1, 4, 2), lanes=2)
    check_unit(unit, frames(unit, 4))


def test_references_by_hand() -> None:
    unit = AvgPool2dUnit(layer=AvgPool2d(2, 1), input=CODES(2, 3, 1, 8, UNSIGNED), lanes=1)
    assert unit.reference(np.array([[1], [2], [3], [10], [20], [30]])).tolist() == [[33], [55]]
    whole = GlobalAvgPoolUnit(input=CODES(1, 3, 2, 1), lanes=2)
    assert whole.reference(np.array([[1, 0], [1, 0], [0, 0]])).tolist() == [[1, -3]]


@pytest.mark.parametrize("memory", ["block", "distributed"])
@pytest.mark.parametrize(
    "unit",
    [
        AvgPool2dUnit(layer=AvgPool2d(2, 2), input=CODES(4, 4, 2, 2), lanes=1),
        AvgPool2dUnit(layer=AvgPool2d(3, 1), input=CODES(4, 5, 2, 2), lanes=1),
        AvgPool2dUnit(layer=AvgPool2d(3, 2), input=CODES(5, 5, 2, 1), lanes=2),
        GlobalAvgPoolUnit(input=CODES(2, 2, 3, 2), lanes=1),
    ],
    ids=str,
)
def test_no_word_is_read_while_it_is_written(
    unit: AvgPool2dUnit | GlobalAvgPoolUnit, memory: str
) -> None:
    check_unit(Watched(replace(unit, memory=memory)), frames(unit, 3))


def test_a_lost_beat_is_caught() -> None:
    unit = AvgPool2dUnit(layer=AvgPool2d(2, 1), input=CODES(3, 3, 2, 2), lanes=1)
    with pytest.raises(AssertionError):
        check_unit(Dropped(unit, 5), frames(unit, 3))


def test_what_does_not_fit() -> None:
    with pytest.raises(PlanError, match="a beat of 3 elements does not fit"):
        AvgPool2dUnit(layer=AvgPool2d(2), input=CODES(4, 4, 4, 1), lanes=3)
    with pytest.raises(PlanError, match="a beat of 0 elements does not fit"):
        GlobalAvgPoolUnit(input=CODES(4, 4, 4, 1), lanes=0)
    with pytest.raises(NetworkError, match="5x5 average pooling does not fit an input of 4x4"):
        AvgPool2dUnit(layer=AvgPool2d(5), input=CODES(4, 4, 4, 1), lanes=1)
