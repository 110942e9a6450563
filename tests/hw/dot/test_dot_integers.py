"""The direct engine on integers: every source of weights, turns of their bits, and ends."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from subbit.hw.dot.dot import DotUnit
from subbit.sw.errors import PlanError
from subbit.sw.ir import Encoding
from subbit.sw.ir.weights import Weights
from tests.hw.dots import affine, codebook, frames, plain, planes, thresholds, tiled
from tests.hw.harness import check_unit
from tests.sw.samples import message

INTEGER = Encoding.INTEGER
RNG = np.random.default_rng
WEIGHTS: dict[str, Any] = {
    "plain": lambda rng: plain(rng, 4, 18),
    "planes": lambda rng: planes(rng, 4, 18, 3),
    "codebook": lambda rng: codebook(rng, 4, 2, 3),
    "tiled": lambda rng: tiled(rng, 4, 18, 2, scaled=True),
    "crossing": lambda rng: tiled(rng, 4, 18, 3, scaled=True),
}


def unit_of(weights: Weights, span: tuple[int, int], bits: int, **rest: Any) -> DotUnit:
    return DotUnit(
        weights=weights,
        encoding=INTEGER,
        bits=bits,
        span=span,
        **{"masked": False, "pe": 2, "simd": 9, "vectors": 3, **rest},
    )


@pytest.mark.parametrize(
    ("span", "bits"), [((-1, 0), 1), ((-4, 3), 3), ((0, 735), 11), ((-1000, 5), 11)]
)
@pytest.mark.parametrize("post", ["none", "affine", "threshold"])
@pytest.mark.parametrize("name", WEIGHTS)
def test_integers_meet_weights(name: str, post: str, span: tuple[int, int], bits: int) -> None:
    rng = RNG(bits)
    weights = WEIGHTS[name](rng)
    ends = {"none": None, "affine": affine(rng, 4), "threshold": thresholds(rng, 4, 99, 2)}
    simd = 6 if name == "crossing" else 9
    unit = unit_of(weights, span, bits, post=ends[post], simd=simd)
    check_unit(unit, frames(rng, unit, 2))


@pytest.mark.parametrize(
    "rest",
    [{"x_branches": 1}, {"x_branches": 4}, {"w_branches": 1, "x_branches": 2}, {"pixels": 2}],
)
def test_branches_in_turn(rest: dict[str, int]) -> None:
    unit = unit_of(planes(RNG(2), 4, 18, 3), (-100, 127), 8, **rest)
    check_unit(unit, frames(RNG(3), unit, 2))


def test_ends_of_the_span() -> None:
    """The least and the greatest number alone."""
    unit = unit_of(plain(RNG(4), 4, 18), (-600, 511), 11)
    beats = frames(RNG(5), unit, 2)
    beats = np.where(beats > 0, 511, -600)
    check_unit(unit, beats)


def test_a_unit_without_the_turned_bit_differs() -> None:
    unit = unit_of(plain(RNG(6), 4, 18), (-4, 3), 3)
    wrong = replace(unit, span=None, encoding=Encoding.UNSIGNED)
    beats = frames(RNG(7), unit, 1)
    assert not np.array_equal(unit.reference(beats), wrong.reference(beats & 7))


def test_spans_that_do_not_fit() -> None:
    weights = plain(RNG(8), 4, 18)
    assert message(lambda: unit_of(weights, (0, 8), 3), PlanError) == (
        "integers of 5 bits, not 3, span them"
    )
    with pytest.raises(PlanError, match="integers, and no codes, have a span"):
        DotUnit(
            weights=weights,
            encoding=Encoding.UNSIGNED,
            bits=3,
            span=(0, 7),
            masked=False,
            pe=1,
            simd=1,
            vectors=1,
        )
