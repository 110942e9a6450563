"""The planner: rates that are reached, budgets that are kept, FIFOs that are as short as can be."""

from dataclasses import replace

import pytest

from subbit.boards import Board, board
from subbit.hw.contract.cost import Cost
from subbit.hw.contract.unit import Unit
from subbit.sw.bench.unlike import RandomNetwork
from subbit.sw.errors import PlanError
from subbit.sw.ir import Network, load_network
from subbit.sw.ir.layers.add import Add
from subbit.sw.ir.layers.flatten import Flatten
from subbit.sw.lower.pipeline import Pipeline
from subbit.sw.lower.plan import Plan, smallest_plan
from subbit.sw.lower.stages.dot import DotStage
from subbit.sw.planner.choose import choose, default_goal, default_planned
from subbit.sw.planner.costs import Costs
from subbit.sw.planner.goal import (
    Goal,
    NothingFits,
    Planned,
    budget_of,
    planned,
)
from subbit.sw.planner.most import Trials, least_plan
from subbit.sw.planner.search import Search, lacking
from tests.networks import small_network
from tests.paths import EXAMPLES

ULX3S = board("ulx3s-85f")
SMALL = board("ulx3s-12f")


def residual() -> Network:
    """A network whose paths join."""
    b = RandomNetwork(3)
    b.conv(4, 1)
    x = b.sign(4, 300)
    b.conv(4, 4)
    b.sign(4, 20)
    y = b.conv(4, 4)
    b.add(Add(), y, x)
    b.sign(4, 20)
    b.add(Flatten())
    b.linear(10, 4 * 36)
    return b.network("joined", 6, 1, 4)


def exact(result: Planned) -> None:
    """What the plan says holds in the model that keeps a trace."""
    trace = Pipeline(result.network, result.plan).cycles(6)
    assert trace.interval_cycles == result.timing.interval_cycles
    assert trace.latency_cycles == result.timing.latency_cycles


@pytest.mark.parametrize("name", ["plain", "codebook", "tiled"])
def test_the_most_that_fits_keeps_the_budget_and_the_slowest_stage_sets_the_rate(name: str) -> None:
    network = small_network(name)
    goal = Goal(lut4=1550)
    result = least_plan(network, ULX3S, goal)
    exact(result)
    assert result.cost.lut4 <= 1550
    assert not lacking(result.cost, budget_of(result.network, ULX3S, goal))
    assert result.timing.interval_cycles == result.slowest.cycles
    folded = planned(network, ULX3S, smallest_plan(network))
    assert result.timing.interval_cycles < folded.timing.interval_cycles / 4
    more = least_plan(network, ULX3S, Goal(lut4=4000))
    assert more.timing.interval_cycles <= result.timing.interval_cycles


@pytest.mark.parametrize("wires", [True, False])
def test_layers_are_unrolled_where_the_goal_says_so(wires: bool) -> None:
    goal = Goal(wires=wires)
    result = least_plan(small_network("plain"), ULX3S, goal)
    engines = {stage.engine for stage in result.plan.stages if isinstance(stage, DotStage)}
    assert ("unrolled" in engines) == wires


def test_the_budget_holds_for_the_plan_where_the_rough_estimate_is_too_low() -> None:
    network = load_network(EXAMPLES / "mnist-plain.safetensors")
    goal = Goal(lut4=1900)
    trials = Trials(network, ULX3S, goal)
    rough = trials.search.solve(12_544, trials.allowed)
    assert rough is not None
    assert not lacking(rough.cost, trials.allowed)
    assert lacking(trials.priced(rough, rough.slowest).cost, trials.allowed)
    result = least_plan(network, ULX3S, goal, trials.search)
    exact(result)
    assert not lacking(result.cost, trials.allowed)


class Dear(Costs):
    """Rough prices that are a quarter too high."""

    def quick(self, unit: Unit) -> Cost:
        """See Costs."""
        said = super().quick(unit)
        return Cost(said.lut4 * 5 // 4, said.flip_flops * 5 // 4, said.block_rams)


@pytest.mark.parametrize("lut4", [1500, 2300])
def test_the_budget_is_used_where_the_rough_estimate_is_too_high(lut4: int) -> None:
    network = small_network("plain")
    cycles = []
    for prices in (Costs, Dear):
        search = Search(network, prices.on(network, ULX3S.device))
        result = least_plan(network, ULX3S, Goal(lut4=lut4), search)
        cycles.append(result.timing.interval_cycles)
    assert cycles[1] == cycles[0]


def test_a_rate_is_reached_with_less_area_than_a_higher_one() -> None:
    network = small_network("plain")
    results = [least_plan(network, ULX3S, Goal(fps=fps)) for fps in (20_000, 100_000, 300_000)]
    for fps, result in zip((20_000, 100_000, 300_000), results, strict=True):
        exact(result)
        assert result.fps >= fps
    area = [result.cost.lut4 for result in results]
    assert area == sorted(area)
    assert area[0] < area[-1]


def test_paths_that_join_get_the_queues_they_need() -> None:
    result = least_plan(residual(), ULX3S, Goal(lut4=1500))
    exact(result)
    queues = dict(result.plan.queues)
    assert set(queues) == {"threshold1>conv2d2", "threshold1>add5"}
    assert queues["threshold1>add5"] > 0
    shorter = replace(result.plan, queues=(("threshold1>conv2d2", 0), ("threshold1>add5", 0)))
    with pytest.raises(PlanError, match="queue"):
        planned(result.network, ULX3S, shorter)


def test_every_fifo_pays() -> None:
    network = small_network("plain")
    result = least_plan(network, ULX3S, Goal(lut4=4000))
    for position, stage in enumerate(result.plan.stages):
        least = Search(network, Costs(network, "ecp5")).seeds[position].fifo
        if stage.fifo <= max(least, 2):
            continue
        stages = list(result.plan.stages)
        stages[position] = replace(stage, fifo=least)
        without = Pipeline(network, Plan(network.digest, tuple(stages)))
        assert without.cycles(8).interval_cycles > result.timing.interval_cycles


def test_pixels_that_leave_in_turn_have_a_queue_behind_them() -> None:
    network = load_network(EXAMPLES / "digits-plain.safetensors")
    stages = [stage for stage in choose(network, ULX3S).plan.stages if isinstance(stage, DotStage)]
    assert [stage.fifo >= 2 for stage in stages if stage.pixels > 1] == [True]


def test_few_block_rams_move_weights_into_logic() -> None:
    network = small_network("plain")
    search = Search(network, Costs(network, "ecp5"))
    free = search.solve(2000, Cost(50_000, 50_000, 200))
    tight = search.solve(2000, Cost(50_000, 50_000, 1))
    assert free
    assert tight
    assert free.cost.block_rams > 1 >= tight.cost.block_rams
    assert tight.cost.lut4 > free.cost.lut4
    assert not lacking(tight.cost, Cost(50_000, 50_000, 1))


def test_the_default_is_planned_for_quick_builds() -> None:
    network = small_network("plain")
    result = choose(network, ULX3S, None, None)
    assert result.cost.lut4 <= (default_goal(ULX3S).lut4 or 0)
    exact(result)


def test_a_rate_that_only_faster_plans_have(monkeypatch: pytest.MonkeyPatch) -> None:
    network = small_network("plain")
    most = least_plan(network, SMALL, Goal())

    def none_for_a_rate(trials: Trials) -> Planned:
        raise NothingFits(1, None, 1)

    monkeypatch.setattr(Trials, "smallest", none_for_a_rate)
    monkeypatch.setattr(Trials, "fastest", lambda trials: most)
    assert least_plan(network, SMALL, Goal(fps=most.fps * 0.99)) is most
    with pytest.raises(NothingFits):
        least_plan(network, SMALL, Goal(fps=most.fps * 1.01))


@pytest.mark.parametrize(("share", "taken"), [(0.96, True), (0.94, False)])
def test_the_default_plan_leaves_what_brings_hardly_any_rate(
    monkeypatch: pytest.MonkeyPatch, share: float, taken: bool
) -> None:
    network = small_network("plain")
    most = planned(network, ULX3S, smallest_plan(network))
    less = replace(most, clock_hz=share * most.clock_hz)
    goals: list[Goal] = []

    def least(network: Network, board: Board, goal: Goal, search: Search) -> Planned:
        goals.append(goal)
        return less if len(goals) > 1 else most

    monkeypatch.setattr("subbit.sw.planner.choose.least_plan", least)
    assert default_planned(network, ULX3S) is (less if taken else most)
    assert goals[1].lut4 == int(0.9 * most.cost.lut4)
