"""Whole networks of every encoding and padding, in one model: every stream, every cycle."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from subbit.sim.compare import compare
from subbit.sim.design import network_design
from subbit.sim.run import classes, golden_model
from subbit.sim.runner import build_designs, run_designs
from subbit.sw.cycles import run
from subbit.sw.golden import predict
from subbit.sw.lower.engines.table import engine_of
from subbit.sw.lower.pipeline import Pipeline
from subbit.sw.lower.plan import Plan, smallest_plan
from subbit.sw.lower.stages.dot import DotStage
from subbit.sw.planner import default_plan
from tests.networks import NETWORKS, small_network

FRAMES = 3


def pipelines() -> dict[str, Pipeline]:
    """A pipeline for each network, unfolded a little and folded as far as it goes in turn."""
    made = {}
    for number, name in enumerate(NETWORKS):
        network = small_network(name)
        plan = default_plan(network, lut4=1800) if number % 2 else smallest_plan(network)
        vary = {"plain": varied, "planes": in_series}.get(name, lambda plan: plan)
        made[name] = Pipeline(network, vary(plan))
        made[f"{name}_wires"] = Pipeline(network, unrolled(plan))
    return made


def unrolled(plan: Plan) -> Plan:
    """The plan with all weights as wires."""
    engine = engine_of("unrolled")
    stages = [engine.on(stage) if isinstance(stage, DotStage) else stage for stage in plan.stages]
    return replace(plan, stages=tuple(stages))


def in_series(plan: Plan) -> Plan:
    """The plan with a bit of the inputs and of the weights at a time, on the direct engine."""
    direct = engine_of("direct")
    stages = [
        direct.on(replace(stage, own=()), x_branches=1, w_branches=1)
        if isinstance(stage, DotStage)
        else stage
        for stage in plan.stages
    ]
    return replace(plan, stages=tuple(stages))


def varied(plan: Plan) -> Plan:
    """The plan with two pixels at once in its convolutions, and a FIFO behind every stage."""
    stages = [
        replace(stage, pixels=2)
        if isinstance(stage, DotStage) and stage.layers[0].startswith("conv")
        else stage
        for stage in plan.stages
    ]
    return replace(plan, stages=tuple(replace(stage, fifo=4) for stage in stages))


def test_networks(tmp_path: Path, models: Path) -> None:
    codes = np.random.default_rng(7).integers(0, 16, (FRAMES, 8, 8, 1))
    rows = pipelines()
    designs = [network_design(f"net_{name}", pipeline) for name, pipeline in rows.items()]
    inputs = [codes.reshape(-1, pipeline.i.lanes) for pipeline in rows.values()]
    model = build_designs(designs, models, quick=True)
    for backpressure in ("none", "random"):
        outcomes = run_designs(
            *(model, designs, inputs), backpressure=backpressure, seed=3, folder=tmp_path / "run"
        )
        for name, design, beats, outcome in zip(rows, designs, inputs, outcomes, strict=True):
            network = rows[name].network
            trace = run(design.processes, FRAMES) if backpressure == "none" else None
            found = compare(design, outcome.folder, beats, trace, golden_model(network, codes))
            assert not found.mismatches, f"{name}, {backpressure}: {found.first}"
            assert not outcome.stuck
            predicted = predict(network, codes).classes
            np.testing.assert_array_equal(classes(network, found), predicted)
