"""The planner's FIFOs: in RTL the planned rate and no standstill, and none could be shorter."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from subbit.boards import board
from subbit.sim.compare import Comparison, compare
from subbit.sim.design import network_design
from subbit.sim.run import golden_model, interval
from subbit.sim.runner import Outcome, build_designs, run_designs
from subbit.sw.bench.unlike import residual
from subbit.sw.cycles.fast import measure
from subbit.sw.ir import Network, load_network
from subbit.sw.lower.graph import groups
from subbit.sw.lower.pipeline import Pipeline
from subbit.sw.lower.plan import Plan
from subbit.sw.planner import Goal, Planned, plan_for
from subbit.sw.planner.costs import Costs
from subbit.sw.planner.fifos import LADDER
from subbit.sw.planner.search import Search
from tests.networks import pooled_network
from tests.paths import EXAMPLES

FRAMES = 4
SEED = 11
EXAMPLE = EXAMPLES / "digits-residual.safetensors"
GOALS = {
    "digits-residual": Goal(fps=20_000),
    "random": Goal(fps=150_000),
    "halves": Goal(lut4=2500),
}
# FIFOs that are deeper than their stages come with, at least.
DEEPER = {"digits-residual": 3, "random": 2, "halves": 3}


class Unchecked(Pipeline):
    """A pipeline that may stand still."""

    def check_flow(self) -> None:
        """Let it."""


@dataclass
class Run:
    """A planned network, and what its RTL did, without and with back-pressure."""

    planned: Planned
    comparisons: list[Comparison]
    outcomes: list[Outcome]


def network(name: str) -> Network:
    """The network of a goal."""
    if name == "random":
        return residual("random", SEED, 4, 2)
    return load_network(EXAMPLE) if name == "digits-residual" else pooled_network(SEED)


@pytest.fixture(scope="module")
def planned() -> dict[str, Planned]:
    """Each network as planned for its goal."""
    return {name: plan_for(network(name), board("ulx3s-85f"), goal) for name, goal in GOALS.items()}


@pytest.fixture(scope="module")
def runs(
    planned: dict[str, Planned], tmp_path_factory: pytest.TempPathFactory, models: Path
) -> dict[str, Run]:
    """All of them simulated in one model."""
    made = {name: Pipeline(row.network, row.plan) for name, row in planned.items()}
    designs = [network_design(name.replace("-", "_"), row) for name, row in made.items()]
    codes, rng = [], np.random.default_rng(SEED)
    for pipeline in made.values():
        x = pipeline.network.input_type
        codes.append(rng.integers(x.low, x.high + 1, (FRAMES, *x.shape)))
    rows = zip(codes, made.values(), strict=True)
    inputs = [frames.reshape(-1, pipeline.i.lanes) for frames, pipeline in rows]
    folder, model = tmp_path_factory.mktemp("fifos"), build_designs(designs, models, quick=True)
    found = {name: Run(row, [], []) for name, row in planned.items()}
    for way in ("none", "random"):
        outcomes = run_designs(
            *(model, designs, inputs), backpressure=way, seed=SEED, folder=folder / way
        )
        for name, k in zip(found, range(len(designs)), strict=True):
            golden = golden_model(planned[name].network, codes[k])
            trace = designs[k].trace(FRAMES) if way == "none" else None
            comparison = compare(designs[k], outcomes[k].folder, inputs[k], trace, golden)
            found[name].comparisons.append(comparison)
            found[name].outcomes.append(outcomes[k])
    return found


@pytest.mark.parametrize("name", GOALS)
def test_nothing_stands_still_or_is_lost(name: str, runs: dict[str, Run]) -> None:
    for comparison, outcome in zip(runs[name].comparisons, runs[name].outcomes, strict=True):
        assert not outcome.stuck
        assert not comparison.mismatches, comparison.first
        assert len(comparison.outputs) == FRAMES


def slowest(row: Planned) -> int:
    """Cycles of the slowest stage by itself, or of the slowest window that waits for a width
    change in front of it.
    """
    search = Search(row.network, Costs.on(row.network, row.board.device))
    alone = zip(row.plan.stages, search.seeds, strict=True)
    choice = search.of([replace(stage, fifo=seed.fifo) for stage, seed in alone])
    assert choice is not None
    options = [search.costs.exact(option) for option in choice.options]
    wanted = row.timing.interval_cycles
    waits = [search.joins.waiting(edge, options, wanted) for edge in search.joins.edges]
    return max([option.cycles for option in options] + waits)


@pytest.mark.parametrize("name", GOALS)
def test_the_planned_rate_is_that_of_the_rtl(name: str, runs: dict[str, Run]) -> None:
    row, goal = runs[name].planned, GOALS[name]
    assert interval(runs[name].comparisons[0]) == row.timing.interval_cycles == slowest(row)
    assert row.fps >= (goal.fps or 0)


def rate(network: Network, plan: Plan) -> int | None:
    """Cycles between frames by the model, None where the plan stands still."""
    pipeline = Unchecked(network, plan)
    try:
        return measure(pipeline.processes, 10, pipeline.feeds).interval_cycles
    except ValueError:
        return None


def shorter(row: Planned) -> dict[str, Plan]:
    """Each FIFO that is deeper than its stage comes with, alone at the next depth that costs less:
    distributed RAM comes by 16 entries, block RAM by more.
    """
    plan, found = row.plan, {}
    wanted = [cls.default(row.network, layers, 1) for cls, layers in groups(row.network)]
    for k, (stage, first) in enumerate(zip(plan.stages, wanted, strict=True)):
        if stage.fifo > first.fifo:
            less = replace(stage, fifo=max(d for d in LADDER if first.fifo <= d < stage.fifo))
            stages = (*plan.stages[:k], less, *plan.stages[k + 1 :])
            found[stage.layers[0]] = replace(plan, stages=stages)
    for name, depth in plan.queues:
        if depth:
            less = dict(plan.queues) | {name: max(d for d in LADDER if d < depth)}
            found[name] = replace(plan, queues=tuple(less.items()))
    return found


@pytest.mark.parametrize("name", GOALS)
def test_no_fifo_could_be_shorter(name: str, planned: dict[str, Planned]) -> None:
    row = planned[name]
    assert rate(row.network, row.plan) == row.timing.interval_cycles
    trials = shorter(row)
    assert len(trials) >= DEEPER[name]
    assert any(">" in fifo for fifo in trials)
    for fifo, plan in trials.items():
        slow = rate(row.network, plan)
        assert slow is None or slow > row.timing.interval_cycles, fifo


def test_one_entry_less_than_is_needed_loses_rate(planned: dict[str, Planned]) -> None:
    row = planned["random"]
    [queue] = [name for name, _ in row.plan.queues if name.endswith(">add5")]
    depths = dict(row.plan.queues)

    def at(depth: int) -> int | None:
        """The rate with the queue around the block at a depth."""
        return rate(row.network, replace(row.plan, queues=tuple((depths | {queue: depth}).items())))

    kept = [at(depth) == row.timing.interval_cycles for depth in range(depths[queue] + 1)]
    least = kept.index(True)
    assert max(d for d in LADDER if d < depths[queue]) < least <= depths[queue]
    assert kept == [False] * least + [True] * (len(kept) - least)
