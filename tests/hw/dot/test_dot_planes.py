"""The direct engine with weights of several bits, its branches in parallel, in series and mixed."""

from typing import Any

import numpy as np
import pytest

from subbit.hw.contract.limits import SizeLimits
from subbit.hw.dot.dot import DotUnit
from subbit.hw.dot.planes import PlanesSource
from subbit.hw.dot.source import CodebookSource, WordSource
from subbit.hw.tables.parts import TableParts
from subbit.sw.errors import PlanError
from subbit.sw.ir import Encoding, PlanesWeights, Weights
from tests.hw.dots import affine, codebook, frames, plain, planes, thresholds, tiled
from tests.hw.harness import check_unit

BIPOLAR, UNSIGNED = Encoding.BIPOLAR, Encoding.UNSIGNED
RNG = np.random.default_rng(17)


def dot(weights: Weights, bits: int, **rest: Any) -> DotUnit:
    usual = {"encoding": BIPOLAR, "masked": False, "vectors": 3, "pe": 1, "simd": 1}
    return DotUnit(weights=weights, bits=bits, **{**usual, **rest})


def check(weights: Weights, bits: int, post: str = "none", **rest: Any) -> DotUnit:
    rng = np.random.default_rng(weights.count + bits)
    reach, outputs = int(np.abs(weights.dense()).sum(axis=-1).max()) << bits, weights.shape[0]
    ends: dict[str, Any] = {
        "none": lambda: None,
        "affine": lambda: affine(rng, outputs),
        "1": lambda: thresholds(rng, outputs, reach // 4, 1),
        "3": lambda: thresholds(rng, outputs, reach // 4, 3),
    }
    unit = dot(weights, bits, post=ends[post](), **rest)
    check_unit(unit, frames(rng, unit, 2))
    return unit


@pytest.mark.parametrize("post", ["affine", "3"])
@pytest.mark.parametrize(("encoding", "masked"), [(BIPOLAR, 0), (BIPOLAR, 1), (UNSIGNED, 0)])
@pytest.mark.parametrize(
    ("bits", "x_branches", "w_branches"),
    [(2, 0, 0), (2, 1, 2), (2, 2, 1), (2, 1, 1), (4, 2, 1), (4, 1, 1)],
)
def test_branches(
    bits: int, x_branches: int, w_branches: int, encoding: Encoding, masked: int, post: str
) -> None:
    weights = planes(np.random.default_rng(bits), 4, 18, 2)
    branches = {"x_branches": x_branches, "w_branches": w_branches}
    unit = check(
        weights, bits, post, encoding=encoding, masked=bool(masked), pe=2, simd=9, **branches
    )
    turns = bits // (x_branches or bits) * (2 // (w_branches or 2))
    [process] = unit.processes()
    assert len(process.steps) == 3 * 2 * 2 * turns
    assert process.takes == len(process.steps) // unit.bit_steps


@pytest.mark.parametrize(
    ("bits", "count", "pe", "simd", "x_branches", "w_branches"),
    [
        (8, 1, 2, 9, 2, 0),  # bytes two bits at a time
        (8, 8, 1, 6, 4, 2),
        (3, 4, 2, 18, 1, 2),  # a word a pass: only branches are added up
        (1, 4, 4, 18, 0, 1),  # nothing but planes of weights in series
        (6, 1, 4, 18, 1, 0),  # nothing but bits of inputs in series, all weights wires
        (2, 2, 4, 18, 1, 1),
        (5, 3, 2, 6, 1, 1),
    ],
)
def test_foldings(
    bits: int, count: int, pe: int, simd: int, x_branches: int, w_branches: int
) -> None:
    weights = planes(np.random.default_rng(bits), 4, 18, count)
    branches = {"x_branches": x_branches, "w_branches": w_branches}
    check(weights, bits, "1", pe=pe, simd=simd, memory="block" if bits > 2 else "logic", **branches)


@pytest.mark.parametrize("w_branches", [0, 1])
@pytest.mark.parametrize("scales", [(1, 1), (1, 4), (4, 1), (2, 2, 8, 8), (2, 2), (64, 128)])
def test_scales(scales: tuple[int, ...], w_branches: int) -> None:
    weights = PlanesWeights(tuple(plain(RNG, 4, 12) for _ in scales), scales)
    for encoding in (BIPOLAR, UNSIGNED):
        check(weights, 2, "3", encoding=encoding, pe=2, simd=6, w_branches=w_branches)


@pytest.mark.parametrize("pixels", [2, 3])
def test_pixels_side_by_side(pixels: int) -> None:
    weights = planes(RNG, 6, 36, 2)
    check(weights, 2, "3", pe=2, simd=18, pixels=pixels, masked=True)
    check(weights, 2, "3", pe=2, simd=18, pixels=pixels, masked=True, w_branches=1, x_branches=1)


@pytest.mark.parametrize("memory", ["block", "logic"])
@pytest.mark.parametrize("w_branches", [0, 1])
@pytest.mark.parametrize("tau", [2, 4, 5])
def test_codebooks(tau: int, w_branches: int, memory: str) -> None:
    weights = PlanesWeights(tuple(codebook(RNG, 6, 4, tau) for _ in range(3)))
    for bits, x_branches in ((1, 0), (2, 1)):
        branches = {"x_branches": x_branches, "w_branches": w_branches}
        unit = check(weights, bits, "1", pe=2, simd=9, memory=memory, **branches)
    if memory == "block":
        source = unit.source if w_branches else unit.source.parts[0]
        assert isinstance(source, CodebookSource)
        assert (source.codebooks, source.field_bits) == (3 if w_branches else 1, tau)


@pytest.mark.parametrize("w_branches", [0, 1])
@pytest.mark.parametrize(
    ("repeats", "pe", "simd"),
    [((4, 4), 4, 6), ((4, 2), 4, 6), ((4, 4), 1, 6), ((3, 4), 4, 4), ((16, 8), 2, 3)],
)
def test_tiles(repeats: tuple[int, ...], pe: int, simd: int, w_branches: int) -> None:
    weights = PlanesWeights(tuple(tiled(RNG, 8, 12, p) for p in repeats))
    check(weights, 2, "1", pe=pe, simd=simd, w_branches=w_branches)


@pytest.mark.parametrize("memory", ["block", "logic"])
@pytest.mark.parametrize("w_branches", [0, 2, 1])
def test_planes_of_every_encoding(w_branches: int, memory: str) -> None:
    kinds = (
        plain(RNG, 8, 36),
        codebook(RNG, 8, 4, 4),
        tiled(RNG, 8, 36, 4),
        codebook(RNG, 8, 4, 3),
    )
    flat = tuple(plane.dense().reshape(8, 36) for plane in kinds)
    four = tuple(as_kernels(plane) for plane in kinds)
    weights = PlanesWeights(four)
    np.testing.assert_array_equal(
        weights.dense().reshape(8, 36), sum(w << k for k, w in enumerate(flat))
    )
    check(weights, 2, "3", pe=4, simd=9, w_branches=w_branches, memory=memory, masked=True)


def as_kernels(weights: Any) -> Weights:
    """The weights of a linear layer as those of a convolution of 3x3 kernels."""
    if weights.encoding == "codebook":
        return weights  # type: ignore[no-any-return]
    attributes, tensors = dict(weights.attributes()), dict(weights.tensors())
    if weights.encoding == "tiled":
        attributes["shape"] = [8, 4, 3, 3]
    else:
        tensors["bits"] = tensors["bits"].reshape(8, 4, 3, 3)
    return type(weights).from_parts(attributes, tensors)  # type: ignore[no-any-return]


def test_plain_planes_lie_side_by_side_in_one_memory() -> None:
    weights = planes(RNG, 64, 576, 4)
    source = dot(weights, 1, pe=8, simd=36, memory="block").source
    assert isinstance(source, WordSource)
    assert (source.rom.depth, source.rom.width, source.planes) == (128, 4 * 288, 4)
    source = dot(weights, 1, pe=8, simd=36, memory="block", w_branches=2).source
    assert isinstance(source, WordSource)
    assert (source.rom.depth, source.rom.width, source.planes) == (256, 2 * 288, 2)


def test_tiles_of_planes_are_stored_once_and_rows_are_shared() -> None:
    weights = PlanesWeights((tiled(RNG, 64, 576, 16), tiled(RNG, 64, 576, 8)))
    source = dot(weights, 1, pe=16, simd=36, memory="block").source
    assert isinstance(source, PlanesSource)
    assert source.rows == 8
    assert [part.rom.depth * part.rom.width for part in source.parts] == [4 * 576, 8 * 576]


@pytest.mark.parametrize(("pe", "distance_stages"), [(8, 0), (16, 1)])
def test_wide_tables_stand_in_parts_in_large_engines_alone(pe: int, distance_stages: int) -> None:
    weights = PlanesWeights((plain(RNG, 64, 576),))
    unit = dot(weights, 1, pe=pe, simd=288, memory="logic")
    assert isinstance(unit.source, WordSource)
    assert TableParts(unit.source.rom).needs_parts
    assert (unit.distance_stages, unit.source.lead_cycles) == (distance_stages, 2 * distance_stages)
    mixed = PlanesWeights((tiled(RNG, 64, 576, 16), plain(RNG, 64, 576)))
    unit = dot(mixed, 1, pe=pe, simd=144, memory="logic")
    assert isinstance(unit.source, PlanesSource)
    words = [part for part in unit.source.parts if isinstance(part, WordSource)]
    assert any(TableParts(part.rom).needs_parts for part in words)
    assert (unit.distance_stages, max(part.lead_cycles for part in words)) == (
        distance_stages,
        2 * distance_stages,
    )


@pytest.mark.parametrize(("memory", "masked"), [("logic", True), ("block", False)])
@pytest.mark.parametrize("w_branches", [0, 1])
def test_mixed_planes_in_a_large_engine(w_branches: int, memory: str, masked: bool) -> None:
    """Limits for a small engine: all its paths are long."""
    limits = SizeLimits(
        large_engine_xnors=72,
        xnors_per_input_copy=40,
        large_table_bits=256,
        wide_table_bits=16,
        part_bits=24,
    )
    weights = PlanesWeights((tiled(RNG, 8, 36, 4), plain(RNG, 8, 36), tiled(RNG, 8, 36, 2)))
    rest = {"memory": memory, "masked": masked, "w_branches": w_branches, "pixels": 2}
    unit = check(weights, 1, "3", pe=4, simd=18, limits=limits, **rest)
    assert unit.distance_stages == 1
    assert unit.rows_per_input_copy < unit.source.rows


@pytest.mark.parametrize(
    ("bits", "count", "rest", "message"),
    [
        (
            4,
            2,
            {"x_branches": 3},
            "x_branches must divide the 4 bits of an input, and 3 does not",
        ),
        (
            4,
            2,
            {"x_branches": -1},
            "x_branches must divide the 4 bits of an input, and -1 does not",
        ),
        (
            4,
            3,
            {"w_branches": 2},
            "w_branches must divide the 3 bit planes of the weights, and 2 does not",
        ),
        (9, 1, {}, "codes are 1 to 8 bits wide, not 9"),
    ],
)
def test_refused(bits: int, count: int, rest: dict[str, int], message: str) -> None:
    with pytest.raises(Exception, match=message):
        dot(planes(RNG, 2, 4, count), bits, **rest)


def test_groups_of_planes_need_the_same_ratios() -> None:
    weights = PlanesWeights(planes(RNG, 2, 4, 4).planes, (1, 1, 2, 4))
    message = (
        "w_branches=2 needs groups of bit planes with the same ratios, and the scales 1, 1, 2, 4 "
        "make none; take 1 or 4"
    )
    with pytest.raises(PlanError) as caught:
        dot(weights, 1, w_branches=2)
    assert str(caught.value) == message


@pytest.mark.parametrize("branches", [(0, 0), (1, 1)])
def test_counters_of_a_vendors_cells_take_as_long_in_portable_logic(
    branches: tuple[int, int],
) -> None:
    x_branches, w_branches = branches
    settings = {"pe": 2, "simd": 18, "x_branches": x_branches, "w_branches": w_branches}
    plain_form = dot(planes(RNG, 4, 36, 2), 2, **settings)
    unit = check(planes(RNG, 4, 36, 2), 2, "3", form="ecp5", **settings)
    assert unit.popcount.trees[0].latency <= unit.popcount.latency
    assert unit.popcount.cost.lut4 < plain_form.popcount.cost.lut4
