"""Planted errors are caught; words are never read while they are written."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from subbit.hw.contract.unit import Lanes, Unit
from subbit.hw.layers.maxpool2d import MaxPool2dUnit
from subbit.hw.streams.fifo import FifoUnit
from subbit.hw.streams.replay import ReplayUnit
from subbit.hw.window.window import WindowUnit
from subbit.sw.ir.layers.conv2d import Padding
from subbit.sw.ir.types import TensorType
from tests.hw.harness import check_unit
from tests.hw.planted import Dropped, Duplicated, Forgotten, Watched

CODES = TensorType.codes(2, 3, 2, 2)
UNITS: list[Any] = [
    WindowUnit(input=CODES, kernel=3, stride=1, padding=Padding.ZERO, channels=1, folds=2),
    WindowUnit(input=CODES, kernel=3, stride=2, padding=Padding.ZERO, channels=2, folds=1),
    ReplayUnit(element=Lanes(4, 2), words=3, folds=2, vectors=2),
    ReplayUnit(element=Lanes(4, 2), words=3, folds=2, vectors=2, memory="registers"),
    MaxPool2dUnit(input=CODES, lanes=1),
    FifoUnit(element=Lanes(4, 2), depth=2, beats=6),
]


def beats_for(unit: Unit, frames: int = 3) -> np.ndarray:
    shape = (frames * unit.i_beats, unit.i.lanes)
    return np.random.default_rng(3).integers(0, 1 << unit.i.bits, shape)


def caught(unit: Unit) -> bool:
    """Whether the harness finds the component to differ from its unit."""
    try:
        check_unit(unit, beats_for(unit))
    except AssertionError:
        return True
    return False


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: type(unit).__name__)
@pytest.mark.parametrize("error", [Dropped, Duplicated])
def test_a_beat_less_or_more_is_caught(unit: Unit, error: type[Dropped]) -> None:
    assert not caught(unit)
    assert all(caught(error(unit, at)) for at in (0, unit.o_beats + 1))


def test_a_beat_lost_under_back_pressure_is_caught() -> None:
    # Only where the random run makes that very beat wait is there anything to see.
    assert any(caught(Forgotten(UNITS[2], at)) for at in range(16))


WATCHED: list[Any] = [
    *(FifoUnit(element=Lanes(1, 1), depth=depth, beats=6) for depth in (1, 2, 3)),
    *(ReplayUnit(element=Lanes(1, 1), words=words, folds=2, vectors=3) for words in (2, 3)),
    *(
        WindowUnit(
            input=TensorType.codes(3, 1, n, 1),
            kernel=3,
            stride=1,
            padding=Padding.ZERO,
            channels=1,
            folds=n,
        )
        for n in (1, 2, 3)
    ),
    *(
        WindowUnit(
            input=TensorType.codes(3, w, 1, 1),
            kernel=3,
            stride=1,
            padding=Padding.NONE,
            channels=1,
            folds=1,
        )
        for w in (3, 4)
    ),
    *(
        WindowUnit(
            input=TensorType.codes(3, w, 1, 1),
            kernel=3,
            stride=1,
            padding=Padding.ZERO,
            channels=1,
            folds=1,
            input_pixels=2,
        )
        for w in (4, 6)
    ),
    *(
        MaxPool2dUnit(input=TensorType.codes(4, w, 2, 1), lanes=lanes)
        for w in (2, 4, 5)
        for lanes in (1, 2)
    ),
]


@pytest.mark.parametrize("memory", ["block", "distributed"])
@pytest.mark.parametrize("unit", WATCHED, ids=str)
def test_no_word_is_read_while_it_is_written(unit: Any, memory: str) -> None:
    """Why the memories need no read-during-write logic (the attribute ``no_rw_check``)."""
    unit = replace(unit, memory=memory)
    check_unit(Watched(unit), beats_for(unit))
