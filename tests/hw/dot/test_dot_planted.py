"""Errors planted in the direct engine: the check of a component must find each of them."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from subbit.hw.dot.dot import DotUnit
from subbit.hw.dot.dot_rtl import Dot
from subbit.sw.ir import Encoding, Threshold, Weights
from tests.hw.dots import codebook, flipped, frames, plain, thresholds, tiled
from tests.hw.harness import check_unit

RNG = np.random.default_rng(6)


def plant(monkeypatch: pytest.MonkeyPatch, **faults: Any) -> None:
    """Build every dot engine from a unit with those faults, under the name of the right one."""
    monkeypatch.setattr(
        DotUnit, "load_component", lambda _: lambda unit: Dot(unit=replace(unit, **faults))
    )


@pytest.mark.parametrize("memory", ["block", "logic"])
@pytest.mark.parametrize(
    ("weights", "place"),
    [(plain(RNG, 4, 36), 100), (codebook(RNG, 4, 4, 5), 41), (tiled(RNG, 4, 36, 2), 70)],
    ids=["plain", "codebook", "tiled"],
)
def test_one_wrong_bit_in_a_weight_memory(
    monkeypatch: pytest.MonkeyPatch, weights: Weights, place: int, memory: str
) -> None:
    unit = DotUnit(
        weights=weights,
        encoding=Encoding.BIPOLAR,
        bits=1,
        masked=False,
        pe=1,
        simd=9,
        vectors=6,
        post=None,
        memory=memory,
    )
    beats = frames(np.random.default_rng(0), unit, 2)
    check_unit(unit, beats)
    plant(monkeypatch, weights=flipped(weights, place))
    with pytest.raises(AssertionError, match="Arrays are not equal"):
        check_unit(unit, beats)


@pytest.mark.parametrize("change", [1, -1])
def test_a_threshold_off_by_one(monkeypatch: pytest.MonkeyPatch, change: int) -> None:
    weights = plain(RNG, 4, 35)
    bare = DotUnit(
        weights=weights, encoding=Encoding.BIPOLAR, bits=1, masked=False, pe=2, simd=7, vectors=5
    )
    beats = frames(np.random.default_rng(1), bare, 2)
    dots = bare.reference(beats).reshape(-1, 4)
    # dot products are odd: a threshold of one that occurs, or just above one, can go wrong by one
    table = dots[3][:, None] + (change < 0)
    right = Threshold(table, np.array([1, 0, 1, 0]))
    table = table.copy()
    table[2] += change
    unit = replace(bare, post=right)
    check_unit(unit, beats)
    plant(monkeypatch, post=Threshold(table, right.rising))
    with pytest.raises(AssertionError, match="Arrays are not equal"):
        check_unit(unit, beats)


def test_a_wrong_polarity(monkeypatch: pytest.MonkeyPatch) -> None:
    post = thresholds(RNG, 4, 9, 1)
    unit = DotUnit(
        weights=plain(RNG, 4, 18),
        encoding=Encoding.BIPOLAR,
        bits=1,
        masked=False,
        pe=2,
        simd=9,
        vectors=3,
        post=post,
    )
    plant(monkeypatch, post=Threshold(post.thresholds, post.rising ^ np.array([0, 0, 0, 1])))
    with pytest.raises(AssertionError, match="Arrays are not equal"):
        check_unit(unit, frames(np.random.default_rng(2), unit, 2))


def test_a_queue_without_enough_room_is_slower(monkeypatch: pytest.MonkeyPatch) -> None:
    unit = DotUnit(
        weights=plain(RNG, 4, 18),
        encoding=Encoding.BIPOLAR,
        bits=1,
        masked=False,
        pe=2,
        simd=18,
        vectors=8,
    )
    monkeypatch.setattr(DotUnit, "load_component", lambda _: lambda unit: Dot(unit=unit))
    beats = frames(np.random.default_rng(3), unit, 1)
    check_unit(unit, beats)
    depth = unit.depth - 1
    monkeypatch.setattr("subbit.hw.dot.dot_rtl.CreditQueue", shallower(depth))
    with pytest.raises(AssertionError, match="cycles of the output beats"):
        check_unit(unit, beats)


def shallower(depth: int) -> Any:
    from subbit.hw.streams.credit_rtl import CreditQueue

    return lambda *, lanes, **_: CreditQueue(lanes=lanes, depth=depth)
