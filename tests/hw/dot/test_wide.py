"""Engines whose beats hold several pixels, whole rows, or all outputs of shared rows at once."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from subbit.hw.dot.dot import DotUnit
from subbit.hw.dot.shared_rows import SharedRowsUnit
from subbit.hw.post.threshold import ThresholdConfig
from subbit.sw.errors import PlanError
from subbit.sw.ir import (
    Conv2d,
    DepthwiseConv2d,
    Encoding,
    Flatten,
    Linear,
    Network,
    Padding,
)
from subbit.sw.ir.layer import Layer
from subbit.sw.lower.pipeline import Pipeline
from subbit.sw.lower.plan import Plan, load_plan, save_plan, smallest_plan
from subbit.sw.lower.stages.dot import DotStage
from tests.hw.design.test_accelerator import Whole
from tests.hw.dots import affine
from tests.hw.harness import check_unit
from tests.hw.pipelines import chain, check_plan
from tests.hw.planted import Dropped, Watched
from tests.parts import binary, codebook, threshold, tiled

BIPOLAR = Encoding.BIPOLAR
RNG = np.random.default_rng


def conv(kind: str, outputs: int, channels: int, padding: Padding = Padding.ZERO) -> Conv2d:
    """A 3x3 convolution; ``tiled2``: of two repeats, and so on."""
    chance = RNG(outputs)
    if kind.startswith("tiled"):
        weights: Any = tiled(chance, (outputs, channels, 3, 3), int(kind[5:]))
    else:
        make = {"plain": binary, "codebook": codebook}[kind]
        shape = (channels,) if kind == "codebook" else (channels, 3, 3)
        weights = make(chance, outputs, *shape)
    return Conv2d(weights, 1, padding)


def planned(one: Network, *rows: dict[str, Any]) -> Plan:
    """The smallest plan with these settings of its stages."""
    plan = smallest_plan(one)
    stages = [replace(stage, **row) for stage, row in zip(plan.stages, rows, strict=True)]
    return replace(plan, stages=tuple(stages))


def checked(one: Network, *rows: dict[str, Any]) -> Whole:
    """The circuit with these settings of its stages, checked."""
    return check_plan(one, planned(one, *rows))


def kinds(unit: Whole) -> list[str]:
    """The names of the units."""
    return [step.name.removeprefix("layer0_") for step in unit.pipeline.steps]


@pytest.mark.parametrize(
    ("settings", "lanes", "names"),
    [
        ({"pixels": 2, "pe": 8, "output_pixels": 2}, 16, ["window", "dot"]),
        (
            {"pixels": 2, "pe": 8, "output_pixels": 2, "compare": "logic"},
            16,
            ["window", "dot"],
        ),
        ({"pixels": 4, "pe": 8, "output_pixels": 2}, 16, ["window", "dot", "split"]),
        ({"pixels": 4, "pe": 2, "output_pixels": 4}, 32, ["window", "dot", "gather"]),
        ({"pixels": 4, "pe": 2, "output_pixels": 2}, 16, ["window", "dot", "gather", "split"]),
        ({"pixels": 4, "pe": 8}, 8, ["window", "dot", "split"]),
    ],
)
@pytest.mark.parametrize("kind", ["plain", "tiled4"])
def test_direct(kind: str, settings: dict[str, Any], lanes: int, names: list[str]) -> None:
    one = chain(conv(kind, 8, 4), threshold(RNG(1), 8, 12))
    unit = checked(one, {"engine": "direct", "simd": 18, **settings})
    assert unit.o.lanes == lanes
    assert kinds(unit) == names


ENDS: dict[str, list[Layer]] = {
    "threshold": [threshold(RNG(1), 8, 12)],
    "affine": [affine(RNG(1), 8)],
    "none": [],
}


@pytest.mark.parametrize(
    ("p", "pe", "simd", "repeats", "pixels", "output_pixels", "post"),
    [
        (2, 4, 36, 2, 1, 1, "threshold"),  # all outputs of a row, all rows
        (2, 2, 36, 2, 1, 1, "affine"),  # all outputs of a row, some rows at a time
        (4, 1, 18, 2, 1, 1, "threshold"),  # some outputs of a row at a time, from the memory
        (4, 2, 12, 2, 1, 1, "none"),
        (4, 2, 9, 1, 2, 1, "threshold"),  # several pixels, an output of a row at a time
        (4, 1, 18, 2, 2, 2, "affine"),
        (4, 1, 36, 4, 4, 2, "threshold"),
        (4, 2, 36, 4, 4, 4, "none"),
        (8, 1, 36, 4, 2, 1, "threshold"),
        (8, 1, 36, 8, 4, 4, "affine"),
    ],
)
def test_shared_rows(
    p: int, pe: int, simd: int, repeats: int, pixels: int, output_pixels: int, post: str
) -> None:
    one = chain(conv(f"tiled{p}", 8, 4), *ENDS[post])
    checked(
        one,
        {
            "engine": "shared_rows",
            "own": (("repeats", repeats),),
            **{"pe": pe, "simd": simd, "pixels": pixels, "output_pixels": output_pixels},
        },
    )


@pytest.mark.parametrize("blanks", ["sums", "masks"])
@pytest.mark.parametrize(
    ("pixels", "input_pixels", "cycles"), [(2, 4, 8), (4, 8, 4), (8, 4, 4), (16, 8, 2), (16, 16, 1)]
)
def test_whole_rows(pixels: int, input_pixels: int, cycles: int, blanks: str) -> None:
    one = chain(conv("plain", 4, 2), threshold(RNG(1), 4, 8), shape=(4, 4, 2))
    widths = {"pixels": pixels, "input_pixels": input_pixels, "output_pixels": pixels}
    unit = checked(one, {"simd": 18, "pe": 4, "blanks": blanks, **widths})
    assert (unit.i.lanes, unit.o.lanes) == (2 * input_pixels, 4 * pixels)
    assert unit.pipeline.interval_cycles == cycles


@pytest.mark.parametrize(
    ("pe", "repeats", "pixels", "input_pixels", "output_pixels"),
    [(2, 4, 4, 4, 4), (1, 4, 8, 4, 8), (1, 2, 16, 2, 4), (2, 2, 8, 8, 1)],
)
def test_shared_rows_of_whole_rows(
    pe: int, repeats: int, pixels: int, input_pixels: int, output_pixels: int
) -> None:
    one = chain(conv("tiled4", 8, 2), threshold(RNG(1), 8, 8), shape=(4, 4, 2))
    widths = {"pixels": pixels, "input_pixels": input_pixels, "output_pixels": output_pixels}
    own = {"engine": "shared_rows", "own": (("repeats", repeats),), "blanks": "sums"}
    checked(one, {"simd": 18, "pe": pe, **own, **widths})


def wide_network(kind: str) -> Network:
    """A convolution, another one, and a linear layer, with thresholds between them."""
    chance = RNG(4)
    layers: list[Layer] = [conv("plain", 4, 2), threshold(chance, 4, 8)]
    layers += [conv(kind, 8, 4, Padding.NONE), threshold(chance, 8, 12)]
    layers += [Flatten(), Linear(binary(chance, 10, 32)), affine(chance, 10)]
    return chain(*layers, shape=(4, 4, 2))


@pytest.mark.parametrize(
    ("rows", "cycles"),
    [
        (  # a frame a cycle
            [
                {"pixels": 16, "input_pixels": 16, "output_pixels": 16},
                {"pixels": 4, "input_pixels": 16, "output_pixels": 4},
                {"simd": 32, "pe": 10},
            ],
            1,
        ),
        (  # rows, and widths that differ at every stream
            [
                {"pixels": 4, "input_pixels": 2, "output_pixels": 4},
                {"pixels": 2, "input_pixels": 8, "output_pixels": 1},
                {"simd": 4, "pe": 2},
            ],
            40,
        ),
        (
            [
                {"pixels": 8, "input_pixels": 4, "output_pixels": 8},
                {"pe": 2, "pixels": 2, "input_pixels": 4, "output_pixels": 2},
                {"simd": 32, "pe": 1},
            ],
            10,
        ),
    ],
    ids=["frame", "rows", "mixed"],
)
@pytest.mark.parametrize("kind", ["plain", "tiled2"])
def test_networks_of_wide_beats(kind: str, rows: list[dict[str, Any]], cycles: int) -> None:
    first, second, last = rows
    if kind == "tiled2":
        second = {"engine": "shared_rows", "own": (("repeats", 2),), **second}
        second["pe"] = min(second.get("pe", 4), 4)
    unit = checked(
        wide_network(kind), {"simd": 18, "pe": 4, **first}, {"simd": 36, "pe": 8} | second, last
    )
    assert unit.pipeline.interval_cycles == cycles


@pytest.mark.parametrize("levels", [1, 2, 3])
def test_constant_thresholds_in_lookup_tables(levels: int) -> None:
    one = chain(conv("tiled4", 8, 4), threshold(RNG(levels), 8, 12, levels))
    common = {"simd": 36, "compare": "logic"}
    units = [
        checked(one, {"engine": "direct", "pe": 8, **common}).pipeline.steps[-1].unit,
        checked(one, {**common, "engine": "shared_rows", "pe": 2, "own": (("repeats", 4),)})
        .pipeline.steps[-1]
        .unit,
    ]
    for unit in units:
        assert isinstance(unit, DotUnit | SharedRowsUnit)
        assert isinstance(unit.core, ThresholdConfig)
        assert unit.core.constants
        assert replace(unit.core, known=False).cost.lut4 > unit.core.cost.lut4


@pytest.mark.parametrize("bits", [1, 2])
def test_shared_rows_of_several_bits(bits: int) -> None:
    one = chain(conv("tiled4", 8, 4), threshold(RNG(1), 8, 12, 2), bits=bits)
    common = {"engine": "shared_rows", "pe": 1, "simd": 18, "pixels": 2, "x_branches": 1}
    for repeats, blanks in ((4, "masks"), (4, "sums"), (2, "sums")):
        checked(one, {**common, "own": (("repeats", repeats),), "blanks": blanks})


def shared(repeats: int, pixels: int, pe: int = 1) -> SharedRowsUnit:
    """The engine alone, four outputs a row."""
    one = chain(conv("tiled4", 8, 4, Padding.MINUS), threshold(RNG(1), 8, 12))
    own = {"engine": "shared_rows", "own": (("repeats", repeats),)}
    stage = planned(one, {**own, "pe": pe, "simd": 36, "pixels": pixels}).stages[0]
    unit = next(unit for _, unit in stage.units(one) if isinstance(unit, SharedRowsUnit))
    return replace(unit, dot=replace(unit.dot, payload_delay=0))


@pytest.mark.parametrize("pixels", [1, 2])
@pytest.mark.parametrize(("repeats", "cycles"), [(1, 4), (2, 2), (4, 1)])
def test_outputs_of_a_row_at_once_take_fewer_cycles(repeats: int, cycles: int, pixels: int) -> None:
    unit = shared(repeats, pixels)
    assert unit.interval_cycles == 16 // pixels * 2 * cycles
    assert unit.trace(4).interval_cycles == unit.interval_cycles
    assert unit.whole == (repeats == 4)
    beats = RNG(3).integers(0, 2, (2 * unit.i_beats, unit.i.lanes))
    check_unit(Watched(unit), beats)
    with pytest.raises(AssertionError):
        check_unit(Dropped(unit, 3), beats)


def test_outputs_of_a_row_must_divide() -> None:
    with pytest.raises(PlanError, match="outputs of a row at once must divide its 4, and 3 does"):
        replace(shared(1, 1), at_once=3)


@pytest.mark.parametrize("pixels", [2, 8])
@pytest.mark.parametrize("padding", [Padding.ZERO, Padding.MINUS])
def test_depthwise(padding: Padding, pixels: int) -> None:
    layer = DepthwiseConv2d(binary(RNG(3), 3, 1, 3, 3), 1, padding)
    one = chain(layer, threshold(RNG(1), 3, 3), shape=(4, 4, 3))
    unit = checked(one, {"channels": 3, "pixels": pixels, "input_pixels": pixels})
    assert (unit.i.lanes, unit.o.lanes) == (3 * pixels, 3 * pixels)


@pytest.mark.parametrize(
    ("rows", "one_frame"), [((144, 8, 8), True), ((144, 4, 8), False), ((36, 8, 8), False)]
)
def test_a_frame_a_cycle(rows: tuple[int, int, int], one_frame: bool) -> None:
    chance = RNG(5)
    layers: list[Layer] = []
    for inputs, outputs in ((144, 8), (8, 8), (8, 10)):
        layers += [Linear(binary(chance, outputs, inputs)), threshold(chance, outputs, 9)]
    layers[-1] = affine(chance, 10)
    one = chain(*layers, shape=(1, 1, 144))
    simd, pe, second = rows
    unit = checked(
        one,
        {"simd": simd, "pe": pe},
        {"simd": 8, "pe": second},
        {"simd": 8, "pe": 10},
    )
    assert (unit.pipeline.interval_cycles == 1) == one_frame
    if one_frame:
        assert kinds(unit) == ["dot", "layer2_dot", "layer4_dot"]


def test_plans_keep_their_widths(tmp_path: Path) -> None:
    one = chain(conv("tiled4", 8, 4), threshold(RNG(1), 8, 12))
    own = {"engine": "shared_rows", "own": (("repeats", 2),), "simd": 36}
    plan = planned(one, {**own, "pixels": 4, "input_pixels": 2, "output_pixels": 2})
    save_plan(plan, tmp_path / "plan.json")
    assert load_plan(tmp_path / "plan.json", one) == plan
    before = (tmp_path / "plan.json").read_text()
    new = ', "input_pixels": 2, "output_pixels": 2, "compare": "carry", "repeats": 2'
    assert new in before
    old = before.replace(new, "")
    (tmp_path / "plan.json").write_text(old)
    stage = load_plan(tmp_path / "plan.json", one).stages[0]
    assert isinstance(stage, DotStage)
    assert (stage.input_pixels, stage.output_pixels, stage.own) == (1, 1, ())
    (tmp_path / "plan.json").write_text(before.replace('"repeats": 2', '"repeats": 0'))
    with pytest.raises(PlanError, match="'repeats' must be an integer from 1"):
        load_plan(tmp_path / "plan.json", one)


@pytest.mark.parametrize(
    ("engine", "settings", "match"),
    [
        ("direct", {"pixels": 3}, "pixels=3 does not divide the output pixels of a row, 4; it may"),
        ("direct", {"pixels": 4, "output_pixels": 3}, "output_pixels=3 does not divide the pixels"),
        ("direct", {"input_pixels": 2}, "input_pixels=2 needs windows of all 4 channels at once"),
        (
            "direct",
            {"simd": 36, "input_pixels": 3},
            "input_pixels=3 does not divide the input pixels of a row, 4; it may be 1, 2, 4, 8, 16",
        ),
        ("shared_rows", {"own": (("repeats", 3),)}, "repeats=3 does not divide the outputs of a"),
        ("shared_rows", {"pixels": 4, "output_pixels": 8}, "output_pixels=8 does not divide the"),
    ],
)
def test_settings_that_do_not_fit(engine: str, settings: dict[str, Any], match: str) -> None:
    one = chain(conv("tiled4", 8, 4), threshold(RNG(1), 8, 12))
    with pytest.raises(PlanError, match=match):
        Pipeline(one, planned(one, {"engine": engine, "simd": 18, "pe": 2, **settings}))


def test_a_linear_layer_has_no_window() -> None:
    one = chain(Linear(binary(RNG(1), 4, 8)), shape=(1, 1, 8))
    with pytest.raises(PlanError, match="a linear layer has no window and takes simd inputs"):
        Pipeline(one, planned(one, {"simd": 8, "input_pixels": 2}))


@pytest.mark.parametrize(("settings", "name"), [({"pixels": 2}, "pixels"), ({}, "input_pixels")])
def test_depthwise_pixels_need_all_channels(settings: dict[str, Any], name: str) -> None:
    layer = DepthwiseConv2d(binary(RNG(3), 4, 1, 3, 3), 1, Padding.ZERO)
    one = chain(layer, threshold(RNG(1), 4, 3))
    with pytest.raises(PlanError, match=f"{name}=2 needs all 4 channels at once, not channels=2"):
        Pipeline(one, planned(one, {"channels": 2, name: 2, **settings}))


@pytest.mark.parametrize("kind", ["plain", "tiled4"])
def test_wide_variants_keep_up(kind: str) -> None:
    one = chain(conv(kind, 8, 4), threshold(RNG(1), 8, 12))
    seed = smallest_plan(one).stages[0]
    assert isinstance(seed, DotStage)
    narrow, wide = set(seed.variants(one)), set(seed.wide_variants(one))
    assert {stage.pixels for stage in narrow} == {1, 2, 4}
    assert max(stage.pixels for stage in wide) == 16
    assert min(stage.least_cycles(one) for stage in wide) == 1
    assert {stage.input_pixels for stage in wide} == {1, 2, 4, 8, 16}
    ours = [stage for stage in wide if stage.engine in ("direct", "shared_rows")]
    for stage in ours:
        cycles = stage.least_cycles(one)
        assert stage.pixels // stage.output_pixels * (16 // stage.pixels) <= cycles
        assert cycles * stage.input_pixels >= 16 or stage.simd < 36
