"""The unrolled engine against its unit: every encoding, precision, end and border."""

from typing import Any

import numpy as np
import pytest

from subbit.hw.unrolled.folded import FoldedUnit
from subbit.hw.unrolled.unrolled import UnrolledUnit
from subbit.hw.window.border import border_of
from subbit.sw.errors import PlanError
from subbit.sw.ir import Encoding, Weights
from subbit.sw.ir.planes import PlanesWeights, signed_planes
from subbit.sw.ir.window import Window
from tests.hw.dots import affine, codebook, plain, planes, thresholds, tiled
from tests.hw.harness import check_unit
from tests.parts import binary

BIPOLAR, UNSIGNED, INTEGER = Encoding.BIPOLAR, Encoding.UNSIGNED, Encoding.INTEGER
WEIGHTS = {
    "plain": lambda rng: plain(rng, 8, 18),
    "codebook": lambda rng: codebook(rng, 8, 2, 3),
    "tiled": lambda rng: tiled(rng, 8, 18, 4),
    "tiled_scales": lambda rng: tiled(rng, 8, 18, 4, scaled=True),
    "tiled_crossing": lambda rng: tiled(rng, 6, 10, 4, scaled=True),
    "planes": lambda rng: planes(rng, 5, 12, 3),
    "ternary": lambda rng: signed_planes(rng.integers(-1, 2, (6, 14)), 1),
    "mixed": lambda rng: PlanesWeights((codebook(rng, 4, 2, 3), binary(rng, 4, 2, 3, 3))),
}


def end(kind: str, rng: np.random.Generator, weights: Weights, bits: int) -> Any:
    """``none``, ``affine``, or ``threshold`` and its bits, in the range of the dot products."""
    outputs, reach = (
        weights.shape[0],
        int(np.abs(weights.dense()).sum()) // weights.shape[0] << bits,
    )
    if kind == "none":
        return None
    if kind == "affine":
        return affine(rng, outputs)
    return thresholds(rng, outputs, reach // 4, int(kind[-1]))


def check(name: str, post: str, encoding: Encoding, bits: int, **rest: Any) -> UnrolledUnit:
    rng = np.random.default_rng(bits)
    weights = WEIGHTS[name](rng)
    settings: dict[str, Any] = {"vectors": 4, "post": end(post, rng, weights, bits)}
    settings |= {"weights": weights, "encoding": encoding, "bits": bits} | rest
    unit = FoldedUnit(**settings) if "fold" in settings else UnrolledUnit(**settings)
    low, high = unit.i_range
    beats = rng.integers(low, high + 1, (2 * unit.vectors, unit.i.lanes))
    check_unit(unit, beats)
    return unit


@pytest.mark.parametrize("post", ["none", "threshold1"])
@pytest.mark.parametrize("name", WEIGHTS)
def test_encodings(name: str, post: str) -> None:
    check(name, post, BIPOLAR, 1)


@pytest.mark.parametrize(("encoding", "bits"), [(BIPOLAR, 2), (BIPOLAR, 4), (UNSIGNED, 8)])
@pytest.mark.parametrize("post", ["none", "affine", "threshold1", "threshold2", "threshold4"])
def test_inputs_and_ends(encoding: Encoding, bits: int, post: str) -> None:
    check("plain", post, encoding, bits)


@pytest.mark.parametrize("name", WEIGHTS)
def test_meant_for_carry_chains(name: str) -> None:
    check(name, "threshold2", BIPOLAR, 1, form="ecp5")
    check(name, "none", UNSIGNED, 3, form="ecp5")


def test_integers() -> None:
    check("plain", "threshold1", INTEGER, 5, span=(-12, 9))
    check("planes", "affine", INTEGER, 4, span=(-8, 7))


def test_several_pixels() -> None:
    one = check("plain", "threshold1", BIPOLAR, 1)
    three = check("plain", "threshold1", BIPOLAR, 1, pixels=3)
    assert three.stages == one.stages
    assert three.network is one.network
    assert (three.i.lanes, three.o.lanes) == (54, 24)


@pytest.mark.parametrize(
    ("bits", "post", "pixels"),
    [(1, "threshold1", 1), (1, "affine", 2), (2, "threshold2", 4), (3, "none", 8)],
)
def test_zeros_around(bits: int, post: str, pixels: int) -> None:
    rng = np.random.default_rng(bits)
    weights = PlanesWeights((binary(rng, 4, 2, 3, 3), codebook(rng, 4, 2, 3)))
    border = border_of((4, 4), Window.same(3), pixels)
    unit = UnrolledUnit(
        weights=weights,
        encoding=BIPOLAR,
        bits=bits,
        vectors=16 // pixels,
        pixels=pixels,
        post=end(post, rng, weights, bits),
        border=border,
    )
    codes = rng.integers(0, 1 << bits, (32, 18)) * np.tile(border.inside, (2, 2))
    check_unit(unit, codes.reshape(-1, unit.i.lanes))


@pytest.mark.parametrize(("bits", "fold"), [(2, 2), (4, 2), (4, 4), (8, 4), (8, 8)])
@pytest.mark.parametrize("post", ["none", "affine", "threshold1", "threshold2"])
def test_bits_in_turns(bits: int, fold: int, post: str) -> None:
    unit = check("plain", post, UNSIGNED if bits > 2 else BIPOLAR, bits, fold=fold)
    assert unit.interval_cycles == fold * unit.vectors


@pytest.mark.parametrize("name", WEIGHTS)
def test_turns_of_every_encoding(name: str) -> None:
    check(name, "threshold2", BIPOLAR, 2, fold=2, form="ecp5")
    check(name, "none", UNSIGNED, 4, fold=4, pixels=2)


def test_turns_of_integers_and_zeros_around() -> None:
    check("plain", "threshold1", INTEGER, 6, span=(-32, 31), fold=2)
    check("planes", "affine", INTEGER, 4, span=(-8, 6), fold=4)
    rng = np.random.default_rng(4)
    weights, border = binary(rng, 4, 2, 3, 3), border_of((4, 4), Window.same(3), 2)
    post = end("threshold1", rng, weights, 2)
    unit = FoldedUnit(
        **{"weights": weights, "encoding": BIPOLAR, "bits": 2, "vectors": 8, "pixels": 2},
        **{"post": post, "border": border, "fold": 2},
    )
    codes = rng.integers(0, 4, (32, 18)) * np.tile(border.inside, (2, 2))
    check_unit(unit, codes.reshape(-1, unit.i.lanes))


def test_rows_that_are_alike_are_added_up_once() -> None:
    alone, four = (check(name, "none", BIPOLAR, 2, fold=2) for name in ("plain", "tiled"))
    assert isinstance(alone, FoldedUnit)
    assert isinstance(four, FoldedUnit)
    assert (len(alone.accumulators.kept), len(four.accumulators.kept)) == (8, 2)


def test_outputs_that_are_constant() -> None:
    weights = signed_planes(np.array([[0, 0, 0], [1, -1, 0]]), 1)
    unit = UnrolledUnit(weights=weights, encoding=BIPOLAR, bits=1, vectors=8)
    beats = np.array([[at >> k & 1 for k in range(3)] for at in range(8)])
    check_unit(unit, beats)


def test_what_does_not_fit() -> None:
    weights = plain(np.random.default_rng(0), 2, 4)
    with pytest.raises(PlanError, match="integers, and no codes, have a span"):
        UnrolledUnit(weights=weights, encoding=BIPOLAR, bits=1, vectors=1, span=(0, 1))
    for fold in (1, 3):
        with pytest.raises(PlanError, match=f"fold={fold} must be 2 or more and divide the 4 bits"):
            FoldedUnit(weights=weights, encoding=BIPOLAR, bits=4, vectors=1, fold=fold)
    with pytest.raises(PlanError, match="vectors=0 and pixels=1 must both be 1 or more"):
        UnrolledUnit(weights=weights, encoding=BIPOLAR, bits=1, vectors=0)
