"""Zero padding without masks: engines that take back what the codes beyond the edge add."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from subbit.hw.contract.limits import SizeLimits
from subbit.hw.contract.unit import Beats
from subbit.hw.dot.dot import DotUnit
from subbit.hw.dot.dot_rtl import Dot
from subbit.hw.window.border import border_of
from subbit.sw.errors import PlanError
from subbit.sw.ir import Encoding, Weights
from subbit.sw.ir.window import Window
from tests.hw.dots import affine, codebook, frames, plain, thresholds, tiled
from tests.hw.harness import check_unit

BIPOLAR = Encoding.BIPOLAR
RNG = np.random.default_rng


def engine(
    weights: Weights, size: tuple[int, int], stride: int = 1, pixels: int = 1, **rest: Any
) -> DotUnit:
    """A 3x3 engine for a tensor of that height and width, padded by a zero on each side."""
    border = border_of(size, Window.same(3, stride), pixels)
    vectors = len(border.inside) // pixels
    usual: dict[str, Any] = {"bits": 1, "pe": 2, "simd": 9}
    return DotUnit(
        weights=weights,
        encoding=BIPOLAR,
        masked=False,
        vectors=vectors,
        pixels=pixels,
        border=border,
        **{**usual, **rest},
    )


def windows(unit: DotUnit, count: int) -> Beats:
    """Random frames for the unit, with code 0 beyond the edges."""
    assert unit.border
    beats = frames(RNG(unit.bits), unit, count)
    kernels = unit.simd // unit.border.inside.shape[1]
    inside = unit.border.inside.reshape(-1, unit.pixels, 1, unit.border.inside.shape[1])
    one = np.broadcast_to(inside, (*inside.shape[:2], kernels, inside.shape[3]))
    each = one.reshape(len(one), 1, unit.i.lanes)
    repeated = np.repeat(each, unit.repeats * unit.words, axis=1).reshape(-1, unit.i.lanes)
    return beats * np.tile(repeated, (count, 1))


@pytest.mark.parametrize("post", ["none", "affine", "threshold"])
@pytest.mark.parametrize(
    ("weights", "size", "rest"),
    [
        (plain(RNG(1), 4, 18), (4, 5), {}),
        (plain(RNG(1), 4, 18), (3, 4), {"simd": 18, "pe": 1}),
        (plain(RNG(2), 4, 18), (4, 6), {"pixels": 3, "bits": 2}),
        (plain(RNG(2), 6, 9), (1, 4), {"pe": 6, "pixels": 2}),
        (plain(RNG(3), 4, 18), (5, 6), {"stride": 2}),
        (  # one that covers much of a part, if parts were small
            plain(RNG(4), 4, 72),
            (2, 4),
            {"simd": 36, "pixels": 4, "limits": SizeLimits(large_engine_xnors=256)},
        ),
        (plain(RNG(3), 6, 18), (3, 3), {"bits": 4, "x_branches": 2, "memory": "block"}),
        (codebook(RNG(4), 4, 2, 2), (4, 4), {"memory": "block"}),
        (tiled(RNG(5), 4, 18, 2), (3, 4), {"pe": 4}),
        (tiled(RNG(5), 4, 18, 4, True), (3, 3), {}),
        (tiled(RNG(6), 3, 36, 2, True), (3, 3), {"pe": 1, "bits": 2}),
        (plain(RNG(2), 4, 18), (4, 3), {"pixels": 6}),  # groups of two rows
        (plain(RNG(2), 4, 18), (8, 6), {"pixels": 6, "stride": 2, "pe": 4, "bits": 2}),
        (plain(RNG(3), 2, 9), (3, 2), {"pixels": 6}),  # whole frames
    ],
    ids=range(14),
)
def test_values_and_cycles(
    weights: Weights, size: tuple[int, int], rest: dict[str, Any], post: str
) -> None:
    outputs, random = weights.shape[0], RNG(7)
    ends = {
        "none": None,
        "affine": affine(random, outputs),
        "threshold": thresholds(random, outputs, 12, 1),
    }
    for form in ("portable", "ecp5") if post == "threshold" else ("portable",):
        unit = engine(weights, size, post=ends[post], form=form, **rest)
        assert unit.distance_stages == ("limits" in rest)
        check_unit(unit, windows(unit, 2))


@pytest.mark.parametrize("pads", [(0, 0, 1, 1), (1, 0, 0, 1)])
@pytest.mark.parametrize("stride", [1, 2])
def test_uneven_borders(stride: int, pads: tuple[int, int, int, int]) -> None:
    border = border_of((6, 6), Window((3, 3), (stride, stride), pads=pads), 1)
    weights = plain(RNG(8), 4, 18)
    unit = DotUnit(
        weights=weights,
        encoding=BIPOLAR,
        masked=False,
        vectors=len(border.inside),
        border=border,
        bits=2,
        pe=2,
        simd=9,
    )
    check_unit(unit, windows(unit, 2))


def test_where_uneven_borders_lie() -> None:
    border = border_of((4, 5), Window((3, 3), pads=(0, 1, 1, 0)), 1)
    assert border.rows.tolist() == [[True] * 3, [True] * 3, [True, True, False]]
    assert border.columns.tolist() == [[False, True, True], *[[True] * 3] * 3]


def test_groups_of_whole_rows() -> None:
    one, rows = border_of((4, 5), Window.same(3), 1), border_of((4, 5), Window.same(3), 10)
    assert rows.outside.shape == (2, 1, 10, 3, 3)
    assert rows.row_kinds[1].tolist() == [0, 1]
    np.testing.assert_array_equal(rows.outside.reshape(20, 9), ~one.inside)


def test_few_ways_to_lie_beyond_the_edge() -> None:
    border = border_of((6, 8), Window.same(3), 2)
    assert border.outside.shape == (3, 3, 2, 3, 3)
    assert border.inside.sum() == 9 * 48 - 2 * 3 * (6 + 8) + 4
    assert len(border_of((9, 9), Window.same(5, 2), 1).row_kinds[0]) == 3
    assert border_of((4, 4), Window.same(1), 1).inside.all()


def test_a_wrong_constant_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    unit = engine(plain(RNG(1), 4, 18), (4, 4))
    assert unit.padding_sums
    values = unit.padding_sums.values.copy()
    values[2, 0, 1, 1] += 1
    wrong = replace(unit)
    object.__setattr__(wrong, "padding_sums", replace(unit.padding_sums, values=values))
    monkeypatch.setattr(DotUnit, "load_component", lambda _: lambda unit: Dot(unit=wrong))
    with pytest.raises(AssertionError, match="Arrays are not equal"):
        check_unit(unit, windows(unit, 1))


def test_masks_and_a_border_exclude_each_other() -> None:
    with pytest.raises(PlanError, match="without masks"):
        replace(engine(plain(RNG(1), 4, 18), (4, 4)), masked=True)
