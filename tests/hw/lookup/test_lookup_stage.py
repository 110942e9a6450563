"""Codebook convolutions in a network, on the engines that look dot products up."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from subbit.hw.contract.unit import Lanes
from subbit.hw.streams.deal import DealUnit
from subbit.hw.streams.replay import ReplayUnit
from subbit.hw.window.window import WindowUnit
from subbit.sw.errors import PlanError
from subbit.sw.golden.run import evaluate
from subbit.sw.ir import Conv2d, Encoding, Network, Padding, TensorType
from subbit.sw.lower.pipeline import Pipeline
from subbit.sw.lower.plan import Plan, load_plan, save_plan, smallest_plan
from subbit.sw.lower.stages.dot import DotStage
from tests.hw.design.test_accelerator import Whole
from tests.hw.dots import codebook
from tests.hw.harness import check_unit
from tests.hw.planted import Watched
from tests.networks import small_network
from tests.parts import threshold

SETTINGS = [
    ("lookup", {"pe": 2, "simd": 9, "dot9": 2}),
    ("block_lookup", {"simd": 18, "pixels": 2, "dot9": 1}),
    ("block_lookup", {"simd": 36, "pixels": 4, "dot9": 2, "popcount": "ecp5"}),
    ("block_lookup", {"simd": 36, "dot9": 4}),
    ("block_lookup", {"simd": 36, "pixels": 4, "dot9": 4, "input_pixels": 2, "output_pixels": 2}),
]


def network(stride: int, padding: Padding, bits: int, outputs: int = 6) -> Network:
    chance = np.random.default_rng(stride + bits)
    x = TensorType.codes(8, 8, 4, bits, Encoding.BIPOLAR)
    layers = {
        "conv": Conv2d(codebook(chance, outputs, 4, 3), stride, padding),
        "act": threshold(chance, outputs, 6),
    }
    return Network.chain("one", x, layers)


def planned(one: Network, engine: str, settings: dict[str, Any]) -> Plan:
    plan = smallest_plan(one)
    stage = replace(plan.stages[0], engine=engine, **settings)
    return replace(plan, stages=(stage, *plan.stages[1:]))


@pytest.mark.parametrize(("engine", "settings"), SETTINGS)
@pytest.mark.parametrize(
    ("stride", "padding", "bits"),
    [(1, Padding.ZERO, 1), (2, Padding.ZERO, 2), (1, Padding.PLUS, 1)],
)
def test_engines_in_a_network(
    engine: str, settings: dict[str, Any], stride: int, padding: Padding, bits: int
) -> None:
    one = network(stride, padding, bits)
    unit = Whole(Pipeline(one, planned(one, engine, settings)))
    codes = np.random.default_rng(2).integers(0, 1 << bits, (2, *one.input_type.shape))
    beats = codes.reshape(-1, unit.i.lanes)
    wanted = evaluate(one, codes)["act"].numpy()
    np.testing.assert_array_equal(unit.reference(beats).ravel(), wanted.ravel())
    check_unit(unit, beats)


def test_one_output_of_several_pixels() -> None:
    one = network(1, Padding.ZERO, 1, 1)
    unit = Whole(Pipeline(one, planned(one, "block_lookup", {"simd": 18, "pixels": 4})))
    check_unit(unit, np.random.default_rng(2).integers(0, 2, (unit.i_beats * 2, unit.i.lanes)))


def test_plans_keep_the_engine(tmp_path: Any) -> None:
    one = network(1, Padding.ZERO, 1)
    plan = planned(one, *SETTINGS[1])
    save_plan(plan, tmp_path / "plan.json")
    assert load_plan(tmp_path / "plan.json", one) == plan


@pytest.mark.parametrize(
    ("engine", "settings", "match"),
    [
        ("lookup", {"simd": 18}, "takes one channel of one pixel at a time"),
        ("lookup", {"simd": 9, "pixels": 2}, "takes one channel of one pixel at a time"),
        ("block_lookup", {"simd": 9, "pe": 2}, "looks up whole kernels for one output"),
        ("block_lookup", {"simd": 18, "dot9": 3}, "must divide the 2 ports; 3 does not"),
        ("block_lookup", {"simd": 9, "pixels": 3}, "pixels=3 does not divide"),
        (
            "block_lookup",
            {"simd": 18, "dot9": 2, "input_pixels": 2},
            "of all 4 channels at once",
        ),
        ("lookup", {"simd": 9, "input_pixels": 2}, "input_pixels=2 needs windows of all 4 chan"),
    ],
)
def test_settings_that_do_not_fit(engine: str, settings: dict[str, Any], match: str) -> None:
    one = network(1, Padding.ZERO, 1)
    with pytest.raises(PlanError, match=match):
        Pipeline(one, planned(one, engine, settings))


def test_what_a_planner_may_choose() -> None:
    one = network(1, Padding.ZERO, 1)
    found = [
        stage
        for stage in smallest_plan(one).stages[0].variants(one)
        if isinstance(stage, DotStage) and stage.engine != "direct"
    ]
    assert {stage.engine for stage in found} == {"lookup", "block_lookup"}
    for stage in found:
        units = stage.units(one)
        interval = max(len(process.steps) for process in units[1][1].processes())
        assert stage.least_cycles(one) == interval
        fills, reads = (len(process.steps) for process in units[1][1].processes())
        assert fills <= reads or stage.dot9 in (8, stage.simd // 9)


def test_other_layers_have_no_table() -> None:
    one = small_network("plain")
    stages = [
        replace(stage, engine="lookup", simd=9) if isinstance(stage, DotStage) else stage
        for stage in smallest_plan(one).stages
    ]
    with pytest.raises(PlanError, match="'lookup' is for codebook convolutions, not for a conv2d"):
        Pipeline(one, replace(smallest_plan(one), stages=tuple(stages)))


def test_windows_from_block_rams() -> None:
    x = TensorType.codes(4, 6, 6, 1)
    unit = WindowUnit(
        input=x,
        kernel=3,
        stride=1,
        padding=Padding.ZERO,
        channels=2,
        folds=1,
        pixels=3,
        buffers="block",
    )
    check_unit(Watched(unit), np.random.default_rng(0).integers(0, 2, (3 * unit.i_beats, 2)))


@pytest.mark.parametrize(
    ("lanes", "pixels", "passes", "pe"), [(2, 2, 3, 1), (3, 4, 1, 1), (1, 5, 2, 1), (4, 3, 2, 2)]
)
def test_deal(lanes: int, pixels: int, passes: int, pe: int) -> None:
    unit = DealUnit(pixel=Lanes(lanes, 2), passes=passes, groups=3, pixels=pixels, pe=pe)
    check_unit(unit, np.random.default_rng(pixels).integers(0, 4, (2 * unit.i_beats, unit.i.lanes)))


def test_deal_behind_a_replay_transposes() -> None:
    deal = DealUnit(pixel=Lanes(2, 4), passes=4, groups=2, pixels=3)
    beats = np.random.default_rng(0).integers(0, 16, (2 * 4, 6))
    replayed = ReplayUnit(element=deal.i, words=4, folds=3, vectors=2).reference(beats)
    wanted = beats.reshape(2, 8, 3).swapaxes(1, 2)
    assert deal.reference(replayed).tolist() == wanted.reshape(-1, 2).tolist()
