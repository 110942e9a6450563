"""Errors planted in the engine of shared rows: the check of a component must find each of them."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from subbit.hw.dot.shared_rows import SharedRowsUnit
from subbit.hw.dot.shared_rows_rtl import RepeatedSums, SharedRows
from subbit.sw.ir import Affine, Threshold
from tests.hw.dot.test_shared_rows import engine, vectors
from tests.hw.dots import flipped
from tests.hw.harness import check_unit
from tests.hw.planted import Watched


def plant(monkeypatch: pytest.MonkeyPatch, wrong: SharedRowsUnit) -> None:
    """Build every engine of shared rows from another unit, under the name of the right one."""
    monkeypatch.setattr(
        SharedRowsUnit, "load_component", lambda _: lambda unit: SharedRows(unit=wrong)
    )


def found(
    monkeypatch: pytest.MonkeyPatch, unit: SharedRowsUnit, wrong: SharedRowsUnit, what: str
) -> None:
    beats = vectors(unit)
    check_unit(unit, beats)
    plant(monkeypatch, wrong)
    with pytest.raises(AssertionError, match=what):
        check_unit(unit, beats)


VALUES, CYCLES = "Arrays are not equal", "cycles of the output beats"


@pytest.mark.parametrize("place", [0, 40, 71])
def test_one_wrong_bit_of_a_row(monkeypatch: pytest.MonkeyPatch, place: int) -> None:
    unit = engine(4, 1, 9, "none")
    dot = replace(unit.dot, weights=flipped(unit.dot.weights, place))
    found(monkeypatch, unit, replace(unit, dot=dot), VALUES)


@pytest.mark.parametrize("output", [0, 5, 7])
@pytest.mark.parametrize("change", [1, -1])
def test_a_threshold_of_one_output(
    monkeypatch: pytest.MonkeyPatch, output: int, change: int
) -> None:
    unit = engine(4, 2, 18)
    assert isinstance(unit.post, Threshold)
    sums = replace(unit, post=identity(unit)).reference(vectors(unit)).reshape(-1, 8)
    # a threshold that a sum just reaches, or just misses, can go wrong by one
    table = np.sort(sums, axis=0)[len(sums) // 2][:, None] + (change < 0)
    unit = replace(unit, post=Threshold(table, unit.post.rising))
    table = table.copy()
    table[output] += change
    found(monkeypatch, unit, replace(unit, post=Threshold(table, unit.post.rising)), VALUES)


def identity(unit: SharedRowsUnit) -> Affine:
    """An end that gives the sums themselves."""
    channels = unit.sums.channels
    return Affine(np.ones(channels, np.int64), np.zeros(channels, np.int64))


def test_the_polarity_of_one_output(monkeypatch: pytest.MonkeyPatch) -> None:
    unit = engine(4, 2, 18)
    assert isinstance(unit.post, Threshold)
    rising = unit.post.rising ^ np.eye(8, dtype=np.uint8)[6]
    wrong = replace(unit, post=Threshold(unit.post.thresholds, rising))
    found(monkeypatch, unit, wrong, VALUES)


def test_outputs_of_another_row(monkeypatch: pytest.MonkeyPatch) -> None:
    unit = engine(4, 1, 9, "none")
    assert isinstance(unit.post, Affine)
    turned = Affine(
        np.roll(unit.post.scale, 1), np.roll(unit.post.offset, 1) + np.eye(8, dtype=int)[3]
    )
    found(monkeypatch, unit, replace(unit, post=turned), VALUES)


class Fewer(SharedRowsUnit):
    """A unit whose component has other numbers of banks or beats."""


def test_a_bank_too_few_is_slower(monkeypatch: pytest.MonkeyPatch) -> None:
    unit = engine(2, 2, 36)
    monkeypatch.setattr(Fewer, "banks", 1, raising=False)
    found(monkeypatch, unit, Fewer(dot=unit.dot, repeats=unit.repeats, post=unit.post), CYCLES)


def test_a_queue_without_enough_room_is_slower(monkeypatch: pytest.MonkeyPatch) -> None:
    unit = engine(8, 1, 36)
    monkeypatch.setattr(Fewer, "depth", 2, raising=False)
    found(monkeypatch, unit, Fewer(dot=unit.dot, repeats=unit.repeats, post=unit.post), CYCLES)


def test_banks_that_are_taken_before_they_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    unit = engine(2, 2, 36)
    elaborate = RepeatedSums.elaborate

    def shifts_at_once(sums: RepeatedSums, platform: object) -> Any:
        m = elaborate(sums, platform)
        m.d.comb += sums.room.eq(1)
        return m

    beats = vectors(unit)
    check_unit(Watched(unit), beats)
    monkeypatch.setattr(RepeatedSums, "elaborate", shifts_at_once)
    with pytest.raises(AssertionError):
        check_unit(Watched(unit), beats)
