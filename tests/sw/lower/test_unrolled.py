"""Whole networks whose layers are wires: values and cycles against the golden model."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from subbit.hw.unrolled.unrolled import UnrolledUnit
from subbit.sw.errors import PlanError
from subbit.sw.ir import Conv2d, Encoding, Linear, Network, Padding
from subbit.sw.lower.engines.table import engine_of
from subbit.sw.lower.plan import Plan, smallest_plan
from subbit.sw.lower.stages.dot import DotStage
from subbit.sw.planner.costs import Costs
from tests.hw.design.test_accelerator import Whole
from tests.hw.pipelines import chain, check_plan
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


def test_settings_are_checked() -> None:
    network = chain(Linear(binary(RNG(2), 6, 12)), shape=(1, 1, 12))
    [stage] = planned(network).stages
    assert isinstance(stage, DotStage)
    with pytest.raises(PlanError, match="engine 'unrolled' has no setting 'pe'"):
        replace(stage, pe=2).units(network)
    with pytest.raises(PlanError, match="pixels=2 does not divide"):
        replace(stage, pixels=2).units(network)
    large = chain(Linear(binary(RNG(2), 260, 520)), shape=(1, 1, 520))
    with pytest.raises(
        PlanError, match="up to 131072 signs of weights, and layer 'layer0' has 135200"
    ):
        planned(large).stages[0].units(large)
    assert not list(engine_of("unrolled").wide_variants(stage, large))


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
