"""Whole accelerators against the cycle model and the units' references."""

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from amaranth.back import rtlil

from subbit.hw.contract.cost import Cost
from subbit.hw.contract.unit import Beats, Lanes, Unit
from subbit.hw.design.accelerator import Accelerator
from subbit.hw.families.part import Part
from subbit.sw.cycles import Process, Trace
from subbit.sw.ir import Network
from subbit.sw.lower.engines.table import engine_of
from subbit.sw.lower.pipeline import Pipeline
from subbit.sw.lower.plan import Plan, smallest_plan
from subbit.sw.lower.stages.dot import DotStage
from subbit.sw.planner import default_plan
from tests.hw.harness import check_unit
from tests.networks import GRAPHS, NETWORKS, small_network


class Whole(Unit):
    """A pipeline as one unit."""

    component = ""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline

    @property
    def i(self) -> Lanes:
        return self.pipeline.i

    @property
    def o(self) -> Lanes:
        return self.pipeline.o

    def processes(self) -> tuple[Process, ...]:
        return self.pipeline.processes

    def trace(self, frames: int) -> Trace:
        return self.pipeline.cycles(frames)

    def reference(self, beats: Beats) -> Beats:
        return self.pipeline.reference(beats)[-1]

    def cost(self) -> Cost:
        return sum((step.unit.cost() for step in self.pipeline.steps), Cost())

    def load_component(self) -> Any:
        return lambda unit: Accelerator(pipeline=unit.pipeline)


# What the planner makes of ``planes`` in 2,500 LUT4s, for which it searches long.
PLANES: tuple[dict[str, Any], ...] = (
    {"pixels": 4, "input_pixels": 2, "weights": "block", "popcount": "ecp5", "fifo": 2},
    {"lanes": 4, "fifo": 16},
    {"pe": 3, "simd": 72, "weights": "logic", "popcount": "ecp5", "x_branches": 1},
    {"lanes": 2},
    {"simd": 8, "weights": "block", "popcount": "ecp5", "w_branches": 1},
    {},
)


@cache
def planned(name: str) -> tuple[Network, Plan]:
    """The small network of that name, and a plan for it of 2,000 LUT4s."""
    network = small_network(name)
    if name != "planes":
        return network, default_plan(network, lut4=2000)
    plan = smallest_plan(network)
    stages = (replace(stage, **row) for stage, row in zip(plan.stages, PLANES, strict=True))
    return network, replace(plan, stages=tuple(stages))


def test_each_unit_of_a_board_has_a_register_of_the_reset() -> None:
    pipeline = Pipeline(*planned("plain"))
    names = [step.name for step in pipeline.steps]

    def text(apart: bool, part: Part | None) -> str:
        accelerator = Accelerator(pipeline=pipeline, local_resets=apart)
        return str(rtlil.convert(accelerator, platform=part, emit_src=False))

    together, found = text(False, Part("ecp5")), text(True, Part("ecp5"))
    registers = found.count("cell \\TRELLIS_FF") - together.count("cell \\TRELLIS_FF")
    assert registers == 1 + len(names)  # of all of them, and of each behind that
    assert all(f"\\of_{name}_rst" in found for name in names)
    assert text(True, None) == text(False, None)


@pytest.mark.parametrize("name", ["plain", "strided"])
@pytest.mark.parametrize(("pe", "simd", "joins"), [(3, 1, False), (12, 1, False), (3, -1, True)])
def test_pixels_side_by_side(name: str, pe: int, simd: int, joins: bool) -> None:
    network, plan = planned(name)
    stages = [
        engine_of("direct").on(stage, pe=pe, simd=stage.simds(network)[simd], pixels=2)
        if isinstance(stage, DotStage) and stage.layers[0] == "conv2"
        else stage
        for stage in plan.stages
    ]
    unit = Whole(Pipeline(network, replace(plan, stages=tuple(stages))))
    assert joins == any(step.name.endswith("_join") for step in unit.pipeline.steps)
    beats = np.random.default_rng(4).integers(0, 16, (2 * unit.i_beats, unit.i.lanes))
    check_unit(unit, beats)


def test_graph() -> None:
    network = GRAPHS["pooled"]()
    unit = Whole(Pipeline(network, default_plan(network, lut4=2500)))
    beats = np.random.default_rng(3).integers(0, 16, (2 * unit.i_beats, unit.i.lanes))
    check_unit(unit, beats)


@pytest.mark.parametrize("name", NETWORKS)
def test_accelerator(name: str) -> None:
    unit = Whole(Pipeline(*planned(name)))
    beats = np.random.default_rng(3).integers(0, 16, (3 * unit.i_beats, unit.i.lanes))
    check_unit(unit, beats)
