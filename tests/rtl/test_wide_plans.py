"""Whole networks whose poolings, sums, thresholds and argmax take beats of pixels and rows."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from subbit.sim.compare import compare
from subbit.sim.design import network_design
from subbit.sim.run import classes, golden_model
from subbit.sim.runner import build_designs, run_designs
from subbit.sw.golden import predict
from subbit.sw.ir import Network
from subbit.sw.lower.pipeline import Pipeline
from subbit.sw.lower.plan import Plan, smallest_plan
from subbit.sw.lower.stages.dot import DotStage
from tests.jets import jets_of_wires
from tests.networks import GRAPHS, NETWORKS, small_network

FRAMES = 3
SMALL = {name: small_network(name) for name in NETWORKS}
WHOLE = {name: make() for name, make in GRAPHS.items()}


def widened(network: Network, seed: int) -> Plan:
    """The smallest plan with beats of any size in the stages that have lanes."""
    chance, plan, stages = np.random.default_rng(seed), smallest_plan(network), []
    for stage in plan.stages:
        sizes = stage.wide_axes(network).get("lanes", [])
        lanes: dict[str, Any] = {}
        if len(sizes) > 1 and not isinstance(stage, DotStage):
            lanes = {"lanes": int(chance.choice(sizes[len(sizes) // 2 :]))}
        stages.append(replace(stage, **lanes))
    return replace(plan, stages=tuple(stages))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("network", [*SMALL.values(), *WHOLE.values()], ids=lambda n: n.name)
def test_every_unit_of_a_wide_plan_is_the_golden_model(network: Network, seed: int) -> None:
    kind = network.input_type
    codes = np.random.default_rng(seed).integers(kind.low, kind.high + 1, (2, *kind.shape))
    pipeline = Pipeline(network, widened(network, seed))
    found = pipeline.reference(codes.reshape(-1, pipeline.i.lanes))[-1]
    classes = predict(network, codes).classes.reshape(2, -1)
    assert found.reshape(2, -1)[:, -classes.shape[1] :].tolist() == classes.tolist()
    assert len(pipeline.cycles(2).taken[-1]) == len(found)


def test_wide_plans(tmp_path: Path, models: Path) -> None:
    networks = [SMALL["plain"], *WHOLE.values()]
    rows = [Pipeline(network, widened(network, at)) for at, network in enumerate(networks)]
    rows.append(jets_of_wires(1))
    designs = [network_design(f"wide_{row.network.name}", row) for row in rows]
    frames = []
    for row in rows:
        kind = row.network.input_type
        shape = (FRAMES, *kind.shape)
        frames.append(np.random.default_rng(7).integers(kind.low, kind.high + 1, shape))
    inputs = [codes.reshape(-1, row.i.lanes) for codes, row in zip(frames, rows, strict=True)]
    model = build_designs(designs, models, quick=True)
    for backpressure in ("none", "random"):
        outcomes = run_designs(
            *(model, designs, inputs), backpressure=backpressure, seed=3, folder=tmp_path / "run"
        )
        for at, (design, outcome) in enumerate(zip(designs, outcomes, strict=True)):
            network, golden = rows[at].network, golden_model(rows[at].network, frames[at])
            trace = design.trace(FRAMES) if backpressure == "none" else None
            found = compare(design, outcome.folder, inputs[at], trace, golden)
            assert not found.mismatches, f"{network.name}, {backpressure}: {found.first}"
            assert not outcome.stuck
            wanted = predict(network, frames[at]).classes
            np.testing.assert_array_equal(classes(network, found), wanted)
