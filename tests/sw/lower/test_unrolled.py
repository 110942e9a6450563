"""Whole networks whose layers are wires: values and cycles against the golden model."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from subbit.hw.unrolled.unrolled import UnrolledUnit
from subbit.sw.errors import PlanError
from subbit.sw.golden import predict
from subbit.sw.ir import Conv2d, Encoding, Linear, Network, Padding
from subbit.sw.lower.engines.table import engine_of
from subbit.sw.lower.plan import Plan, load_plan, save_plan, smallest_plan
from subbit.sw.lower.stages.dot import DotStage
from subbit.sw.planner.costs import Costs
from tests.hw.design.test_accelerator import Whole
from tests.hw.pipelines import chain, check_plan
from tests.jets import jets_of_wires
from tests.parts import binary, codebook, threshold, tiled

BIPOLAR, UNSIGNED = Encoding.BIPOLAR, Encoding.UNSIGNED
RNG = np.random.default_rng


def planned(network: Network, **settings: Any) -> Plan:
    """The smallest plan, with all dot products unrolled."""
    plan, engine = smallest_plan(network), engine_of("unrolled")
    stages = [
        engine.on(stage, **settings) if isinstance(stage, DotStage) else stage
        for stage in plan.stages
    ]
    return replace(plan, stages=tuple(stages))


def checked(network: Network, **settings: Any) -> Whole:
    """The circuit with these settings of its engines, checked."""
    return check_plan(network, planned(network, **settings))


def names(unit: Whole) -> list[str]:
    return [step.name.removeprefix("layer0_") for step in unit.pipeline.steps]


@pytest.mark.parametrize("padding", Padding)
@pytest.mark.parametrize("pixels", [1, 2, 8])
def test_convolutions(padding: Padding, pixels: int) -> None:
    layer = Conv2d(codebook(RNG(1), 4, 2), 1, padding)
    shape = (4, 4, 2) if padding is not Padding.NONE else (6, 6, 2)
    network = chain(layer, threshold(RNG(3), 4, 6), shape=shape)
    leaving = max(1, pixels // 2)
    unit = checked(network, pixels=pixels, output_pixels=leaving)
    assert {"window", "unrolled"} <= set(names(unit))


def test_several_pixels_in_and_out() -> None:
    layer = Conv2d(tiled(RNG(1), (4, 2, 3, 3), 2), 1, Padding.ZERO)
    network = chain(layer, threshold(RNG(3), 4, 6), shape=(4, 4, 2))
    unit = checked(network, pixels=4, output_pixels=4, input_pixels=4)
    assert unit.interval_cycles <= 5


def test_bytes_and_linear_layers() -> None:
    first = Conv2d(binary(RNG(0), 4, 1, 3, 3), 2, Padding.NONE)
    network = chain(first, threshold(RNG(3), 4, 900, 2), shape=(7, 7, 1), bits=8, encoding=UNSIGNED)
    checked(network)
    linear = chain(Linear(binary(RNG(2), 6, 12)), shape=(1, 1, 12), bits=2)
    assert names(checked(linear)) == ["unrolled"]


@pytest.mark.parametrize(("fold", "pixels"), [(2, 1), (4, 5), (8, 5)])
def test_bits_of_an_input_in_turns(fold: int, pixels: int, tmp_path: Path) -> None:
    layer, ends = Conv2d(binary(RNG(0), 4, 1, 3, 3), 1, Padding.NONE), threshold(RNG(3), 4, 900, 2)
    network = chain(layer, ends, shape=(3, 7, 1), bits=8, encoding=UNSIGNED)
    plan = planned(network, fold=fold, pixels=pixels, output_pixels=pixels, input_pixels=7)
    unit = check_plan(network, plan)
    assert unit.interval_cycles == 5 // pixels * fold
    save_plan(plan, tmp_path / "plan.json")
    assert load_plan(tmp_path / "plan.json", network) == plan


def test_settings_are_checked() -> None:
    network = chain(Linear(binary(RNG(2), 6, 12)), shape=(1, 1, 12))
    [stage] = planned(network).stages
    assert isinstance(stage, DotStage)
    with pytest.raises(PlanError, match="engine 'unrolled' has no setting 'pe'"):
        replace(stage, pe=2).units(network)
    with pytest.raises(PlanError, match="pixels=2 does not divide"):
        replace(stage, pixels=2).units(network)
    with pytest.raises(
        PlanError, match="fold=2 does not divide the bits of an input, 1; it may be 1"
    ):
        engine_of("unrolled").on(stage, fold=2).units(network)
    large = chain(Linear(binary(RNG(2), 260, 520)), shape=(1, 1, 520))
    with pytest.raises(
        PlanError, match="up to 131072 signs of weights, and layer 'layer0' has 135200"
    ):
        planned(large).stages[0].units(large)
    assert not list(engine_of("unrolled").wide_variants(stage, large))


def test_the_planner_folds_where_that_is_cheaper() -> None:
    layer = Conv2d(binary(RNG(0), 32, 1, 3, 3), 1, Padding.NONE)
    network = chain(layer, threshold(RNG(3), 32, 700), shape=(6, 6, 1), bits=8, encoding=UNSIGNED)
    costs, engine = Costs(network, "ecp5"), engine_of("unrolled")
    stage = smallest_plan(network).stages[0]
    assert isinstance(stage, DotStage)
    options = [costs.option(found) for found in engine.wide_variants(stage, network)]
    found = [option for option in options if option and getattr(option.stage, "pixels", 0) == 4]
    folds = {dict(getattr(option.stage, "own", ())).get("fold", 1): option for option in found}
    assert list(folds) == [1, 2, 4, 8]
    for fold, option in folds.items():
        assert engine.least_cycles(engine.on(stage, pixels=4, fold=fold), network) == max(
            4 * fold, 16
        )
        exact = option.stage.with_popcount("ecp5").units(network)[1][1]
        assert isinstance(exact, UnrolledUnit)
        assert abs(exact.estimate().lut4 / exact.cost().lut4 - 1) < 0.3
    assert folds[8].cost.lut4 < 0.6 * folds[1].cost.lut4


def test_the_planner_works_with_a_formula() -> None:
    layer = Conv2d(binary(RNG(0), 16, 8, 3, 3), 1, Padding.NONE)
    network = chain(layer, threshold(RNG(3), 16, 12), shape=(6, 6, 8))
    costs = Costs(network, "ecp5")
    stage = smallest_plan(network).stages[0]
    engine = engine_of("unrolled")
    assert not list(engine.variants(stage, network))
    options = [costs.option(found) for found in engine.wide_variants(stage, network)]
    at_once = {option.stage.pixels: option for option in options if option}  # type: ignore[attr-defined]
    assert sorted(at_once) == [1, 2, 4, 8, 16]
    exact = at_once[1].stage.units(network)[-1][1]
    assert isinstance(exact, UnrolledUnit)
    assert abs(exact.estimate().lut4 / exact.cost().lut4 - 1) < 0.3


@pytest.mark.parametrize("fold", [1, 2, 8])
def test_a_network_of_wires_takes_a_frame_every_few_cycles(fold: int) -> None:
    pipeline = jets_of_wires(fold)
    assert pipeline.cycles(4).interval_cycles == fold
    codes = RNG(6).integers(0, 256, (50, pipeline.i.lanes))
    found = pipeline.reference(codes)[-1].reshape(50, -1)[:, -1]
    classes = predict(pipeline.network, codes.reshape(50, 1, 1, -1)).classes
    np.testing.assert_array_equal(found, classes)
