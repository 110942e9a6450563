"""Vectors of linear layers that stay in registers while they are read again."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from subbit.boards import board
from subbit.hw.streams.replay import ReplayUnit
from subbit.sw.errors import PlanError
from subbit.sw.ir import Conv2d, Linear, Network, Padding
from subbit.sw.lower.pipeline import Pipeline
from subbit.sw.lower.plan import Plan, smallest_plan
from subbit.sw.lower.stages.dot import DotStage
from subbit.sw.planner.costs import Costs
from tests.hw.pipelines import chain, check_plan
from tests.parts import binary, threshold, tiled

RNG = np.random.default_rng


def planned(network: Network, **settings: Any) -> Plan:
    """The smallest plan, with these settings of its only stage."""
    plan = smallest_plan(network)
    return replace(plan, stages=(replace(plan.stages[0], **settings),))


@pytest.mark.parametrize("engine", ["direct", "shared_rows"])
@pytest.mark.parametrize(("pe", "simd"), [(1, 4), (2, 2), (4, 8)])
def test_values_and_cycles_hold(engine: str, pe: int, simd: int) -> None:
    weights = tiled(RNG(3), (16, 32), 2)
    network = chain(Linear(weights), threshold(RNG(4), 16), shape=(1, 1, 32))
    plan = planned(network, engine=engine, pe=pe, simd=simd, window="registers")
    unit = check_plan(network, plan)
    assert [step.unit.is_ring for step in unit.pipeline.steps if isinstance(step.unit, ReplayUnit)]


def test_lines_of_a_convolution_are_refused() -> None:
    conv = Conv2d(binary(RNG(1), 4, 4, 3, 3), padding=Padding.MINUS)
    network = chain(conv, threshold(RNG(2), 4))
    with pytest.raises(PlanError, match="for the vectors of linear layers; take 'auto'"):
        Pipeline(network, planned(network, simd=9, window="registers"))


def test_they_are_tried_for_short_vectors_alone() -> None:
    for inputs, tried in ((64, True), (256, False)):
        network = chain(Linear(binary(RNG(1), 4, inputs)), shape=(1, 1, inputs))
        stage = smallest_plan(network).stages[0]
        assert isinstance(stage, DotStage)
        windows = {variant.window for variant in stage.wide_variants(network)}
        assert windows == ({"auto", "registers"} if tried else {"auto"})


def test_an_ice40_saves_a_block_ram_with_them() -> None:
    network = chain(Linear(binary(RNG(1), 10, 64)), shape=(1, 1, 64))
    costs = Costs.on(network, board("icebreaker").device)
    rows = [
        costs.option(planned(network, simd=1, weights="logic", window=window).stages[0])
        for window in ("auto", "registers")
    ]
    memory, ring = (row.cost for row in rows if row)
    assert (memory.block_rams, ring.block_rams) == (1, 0)
    assert 100 < ring.lut4 - memory.lut4 < 160
