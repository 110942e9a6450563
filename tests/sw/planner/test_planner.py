"""The planner: rates that are reached, budgets that are kept, FIFOs that are as short as can be."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from subbit.boards import BOARDS, Board, board
from subbit.hw.contract.cost import Cost
from subbit.sw.bench.unlike import RandomNetwork
from subbit.sw.cli.plan import plan_command, sentences
from subbit.sw.errors import FitError, PlanError
from subbit.sw.ir import Network, load_network, save_network
from subbit.sw.ir.layers.add import Add
from subbit.sw.ir.layers.flatten import Flatten
from subbit.sw.lower.pipeline import Pipeline
from subbit.sw.lower.plan import Plan, save_plan, smallest_plan
from subbit.sw.lower.stages.dot import DotStage
from subbit.sw.planner.advice import would_do
from subbit.sw.planner.calibration import Calibration, calibration
from subbit.sw.planner.choose import choose, default_goal, default_planned
from subbit.sw.planner.costs import WIDE, Costs, feed_cost, total
from subbit.sw.planner.goal import (
    Goal,
    NothingFits,
    Planned,
    budget_of,
    host_cost,
    planned,
)
from subbit.sw.planner.most import Trials, least_plan
from subbit.sw.planner.report import describe, ended, next_step, plan_report
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
    goal = Goal(lut4=1500)
    result = least_plan(network, ULX3S, goal)
    exact(result)
    assert result.cost.lut4 <= 1500
    assert not lacking(result.cost, budget_of(result.network, ULX3S, goal))
    assert result.timing.interval_cycles == result.slowest.cycles
    folded = planned(network, ULX3S, smallest_plan(network))
    assert result.timing.interval_cycles < folded.timing.interval_cycles / 4
    more = least_plan(network, ULX3S, Goal(lut4=4000))
    assert more.timing.interval_cycles <= result.timing.interval_cycles


def test_the_budget_holds_for_the_plan_where_the_rough_estimate_is_too_low() -> None:
    network = load_network(EXAMPLES / "mnist-plain.safetensors")
    goal = Goal(lut4=1870)
    trials = Trials(network, ULX3S, goal)
    rough = trials.search.solve(12_544, trials.allowed)
    assert rough is not None
    assert not lacking(rough.cost, trials.allowed)
    assert lacking(trials.priced(rough, rough.slowest).cost, trials.allowed)
    result = least_plan(network, ULX3S, goal, trials.search)
    exact(result)
    assert not lacking(result.cost, trials.allowed)


@pytest.mark.parametrize("name", ["mnist-tiled", "digits-codebook"])
def test_rough_prices_of_large_engines_are_near_exact_ones(name: str) -> None:
    network = load_network(EXAMPLES / f"{name}.safetensors")
    search = Search(network, Costs.on(network, ULX3S.device))
    choice = search.solve(400, budget_of(network, ULX3S, Goal()))
    assert choice is not None
    for option in choice.options:
        exact_cost = search.costs.built(option)
        assert option.cost.lut4 == pytest.approx(exact_cost.lut4, rel=0.12, abs=40)
        assert option.cost.flip_flops == pytest.approx(exact_cost.flip_flops, rel=0.2, abs=80)


@pytest.mark.parametrize("wires", [True, False])
def test_layers_are_unrolled_where_the_goal_says_so(wires: bool) -> None:
    goal = Goal(wires=wires)
    result = least_plan(small_network("plain"), ULX3S, goal)
    engines = {stage.engine for stage in result.plan.stages if isinstance(stage, DotStage)}
    assert ("unrolled" in engines) == wires


def wide() -> Network:
    """A network whose first layer may take the whole frame a beat."""
    b = RandomNetwork(5)
    b.add(Flatten())
    b.linear(16, 784)
    b.sign(16, 60)
    b.linear(10, 16)
    return b.network("wide", 28, 1, 8)


def test_what_fills_wide_beats_of_the_input_is_counted() -> None:
    network = wide()
    first, *rest = smallest_plan(network).stages
    assert isinstance(first, DotStage)
    plans = [
        replace(smallest_plan(network), stages=(replace(first, simd=simd), *rest))
        for simd in (1, 8, 784)
    ]
    small, few, frame = (planned(network, ULX3S, plan) for plan in plans)
    assert (small.lanes, few.lanes, frame.lanes) == (1, 8, 784)
    assert small.host == host_cost(network, ULX3S)
    # 8 bytes gather in one register and wait in a second one, a whole frame in one.
    assert few.host.flip_flops - small.host.flip_flops in range(64 + 56, 64 + 56 + 10)
    assert frame.host.flip_flops - small.host.flip_flops in range(6272, 6272 + 16)
    assert frame.design == frame.cost + frame.host
    search = Search(network, Costs.on(network, ULX3S.device))
    chosen = search.of(plans[2].stages)
    assert chosen is not None
    parts = search.joins.feed(chosen.options[0])
    assert parts == feed_cost(network, "ecp5", 784) == frame.feed
    flops = chosen.cost.flip_flops - total(o.cost for o in chosen.options).flip_flops
    assert flops >= parts.flip_flops


def test_a_plan_keeps_room_for_what_fills_its_beats() -> None:
    network = wide()
    goal = Goal(reserve=0.95)
    result = least_plan(network, ULX3S, goal)
    assert not lacking(result.cost + result.feed, budget_of(network, ULX3S, goal))


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


def test_a_quick_estimate_is_near_that_of_the_vendors_trees() -> None:
    network = small_network("plain")
    costs = Costs(network, "ecp5")
    choice = Search(network, costs).solve(1500, Cost(9999, 9999, 99))
    assert choice
    for option in choice.options:
        units = option.stage.with_popcount("ecp5").units(network)
        said = total(calibration("ecp5").of(unit) for _, unit in units)
        assert option.cost.lut4 == pytest.approx(said.lut4, rel=0.15, abs=30)


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


def test_very_wide_counters_are_worth_their_wires() -> None:
    b = RandomNetwork(5)
    b.conv(64, 3)
    b.sign(64, 300)
    name = b.conv(64, 64)
    b.sign(64, 200)
    b.add(Flatten())
    b.linear(10, 64 * 64)
    network = b.network("wide", 8, 3, 8)
    result = least_plan(network, ULX3S, Goal(clock_hz=1e8, fps=1e8 / 520))
    wide = next(stage for stage in result.plan.stages if stage.layers[0] == name)
    assert isinstance(wide, DotStage)
    assert wide.pe * wide.simd * wide.pixels >= 64 * 64 * 576 // 520
    assert wide.simd <= WIDE


def refusal(network: Network, where: Board, goal: Goal) -> str:
    """The message of a goal that cannot be reached."""
    with pytest.raises(FitError) as error:
        choose(network, where, None, goal)
    return str(error.value)


def test_a_refusal_says_what_is_short_and_what_would_do() -> None:
    text = refusal(small_network("plain"), SMALL, Goal(fps=1e9))
    assert "does not fit ulx3s-12f: a frame more than once a cycle is asked for" in text
    assert "; at most about " in text
    assert text.endswith("; choose fewer frames/s")
    slow = refusal(small_network("plain"), SMALL, Goal(fps=900, clock_hz=1000.0))
    assert slow.startswith("900 frames/s of plain does not fit ulx3s-12f: it needs ")


def test_more_in_reserve_than_usual_is_named() -> None:
    text = refusal(small_network("plain"), SMALL, Goal(reserve=0.97))
    assert "it needs " in text
    assert " of 728 (with 97% of the device in reserve), " in text
    assert "; with --reserve 20% it would do; the smallest board that would do is ulx3s-" in text


def test_a_board_of_another_fabric_is_named() -> None:
    text = refusal(heavy(256), board("icebreaker"), Goal())
    assert "block RAMs of 24 (with 20% of the device in reserve)" in text
    assert "; the smallest board that would do is ulx3s-12f; on icebreaker " in text


def test_a_board_that_has_no_more_is_not_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("subbit.sw.planner.advice.feasible", lambda *_: True)
    search = Search(network := small_network("plain"), Costs(network, "ecp5"))
    assert next(would_do(board("ulx3s-25f"), Goal(), search)).endswith("ulx3s-45f")


def test_a_plan_that_does_not_fit_says_what_would(tmp_path: Path) -> None:
    network = heavy()
    row = plan_report(choose(network, SMALL))
    assert row["lacking"]["block_rams"] > 0
    assert row["would_do"][0] == "the smallest board that would do is ulx3s-45f"
    assert row["would_do"][1] == "on ulx3s-12f it would do with weights tiled p=2"
    assert sentences(row)[-1].endswith("; ".join(["too many", *row["would_do"]]))
    assert plan_report(choose(network, ULX3S))["would_do"] == []


def heavy(outputs: int = 1024) -> Network:
    """A network of more weights than a small board holds."""
    b = RandomNetwork(5)
    b.add(Flatten())
    b.linear(1024, 64)
    b.sign(1024, 9)
    b.linear(outputs, 1024)
    return b.network("heavy", 8, 1, 1)


def test_weights_that_are_too_many_lead_to_a_board_or_fewer_bits() -> None:
    network = heavy()
    text = refusal(network, SMALL, Goal())
    assert "heavy does not fit ulx3s-12f: it needs " in text
    assert (
        "LUT4 of 19,430 (with 20% of the device in reserve)" in text or "block RAMs of 44" in text
    )
    assert "the smallest board that would do is ulx3s-45f" in text
    assert "on ulx3s-12f it would do with weights tiled p=2" in text


def test_no_plan_is_no_answer() -> None:
    with pytest.raises(NothingFits) as error:
        least_plan(small_network("plain"), SMALL, Goal(lut4=10))
    assert error.value.needs is not None
    assert error.value.needs.lut4 > 10
    assert set(BOARDS) >= {SMALL.name, ULX3S.name}


def run(*arguments: Any) -> tuple[int, dict[str, Any]]:
    """Exit code and JSON of `subbit plan`."""
    texts = list(map(str, arguments))
    result = CliRunner().invoke(plan_command, [*texts, "--json"], standalone_mode=False)
    assert result.exception is None, result.exception
    return result.return_value, json.loads(result.stdout)


def test_the_command_shows_an_edited_plan(tmp_path: Path) -> None:
    network, file = small_network("plain"), tmp_path / "plan.json"
    save_network(network, tmp_path / "net.safetensors")
    code, first = run(tmp_path / "net.safetensors", "--out", file)
    assert code == 0
    assert first["next"] is None or first["next"]["cycles"] < first["interval_cycles"]
    assert not first["lacking"]
    row = json.loads(file.read_text())
    slowed = next(stage for stage in row["stages"] if stage.get("pe", 1) > 1)
    slowed["pe"] = 1
    file.write_text(json.dumps(row))
    code, again = run(tmp_path / "net.safetensors", "--plan", file)
    assert code == 0
    assert again["interval_cycles"] > first["interval_cycles"]
    assert again["bound_by"] == slowed["layers"]
    assert again["lut4"] < first["lut4"]


def test_a_plan_that_is_too_large_exits_with_1(tmp_path: Path) -> None:
    b = RandomNetwork(1)
    b.conv(64, 1)
    b.sign(64, 300)
    b.conv(64, 64)
    b.sign(64, 90)
    b.add(Flatten())
    b.linear(10, 64 * 16)
    network = b.network("large", 4, 1, 1)
    stages = list(smallest_plan(network).stages)
    widest: dict[str, Any] = {"pe": 64, "simd": 576}
    stages[1] = replace(stages[1], **widest)
    save_network(network, tmp_path / "net.safetensors")
    save_plan(Plan(network.digest, tuple(stages)), tmp_path / "plan.json")
    code, row = run(
        *(tmp_path / "net.safetensors", "--plan", tmp_path / "plan.json", "--board", "ulx3s-12f")
    )
    assert code == 1
    assert row["lacking"]["lut4"] > 0


def test_the_command_says_why_nothing_is_faster(tmp_path: Path) -> None:
    save_network(small_network("plain"), tmp_path / "net.safetensors")
    arguments = (tmp_path / "net.safetensors", "--max", "--board", "ulx3s-12f")
    _, row = run(*arguments)
    assert row["ended"]["by"] == "device"
    assert row["ended"]["reserve"] == 0.2
    lacking_cells = row["ended"]["lacking"]
    assert all(row["next"]["lacking"][kind] == more for kind, more in lacking_cells.items())
    assert "the device is full with 20% in reserve: " in "\n".join(sentences(row))
    assert run(*arguments[:1])[1]["ended"] is None


def test_ends_of_small_networks_are_told_apart() -> None:
    b = RandomNetwork(2)
    b.add(Flatten())
    b.linear(4, 4)
    network = b.network("tiny", 2, 1, 1)
    result = least_plan(network, ULX3S, Goal())
    assert result.timing.interval_cycles == 1
    assert ended(result, Goal(), None).by == "cycle"
    slow = planned(network, ULX3S, smallest_plan(network))
    assert ended(slow, Goal(), None).by == "stage"
    after = next_step(slow)
    assert after is not None
    assert after.cycles < slow.slowest.cycles
    assert ended(slow, Goal(), after).by == "device"


def test_a_calibration_is_read_as_written() -> None:
    first = calibration("ecp5")
    assert Calibration.from_json(first.to_json()) == first
    half_more = replace(first, packing=(1.5, 1.0))
    assert half_more.packed(Cost(100, 20, 3)) == Cost(150, 20, 3)
    with pytest.raises(PlanError, match="not a calibration file"):
        Calibration.from_json('{"subbit_calibration": 3}')
    with pytest.raises(PlanError, match="calibration version 9; this subbit reads version 3"):
        Calibration.from_json('{"subbit_calibration": 9}')
    assert 150e6 > first.clock_hz(1000) > first.clock_hz(80_000) > 50e6


def test_tiles_that_share_no_rows_are_named_with_what_would_help() -> None:
    b = RandomNetwork(1)
    b.conv(4, 1)
    b.sign(4, 300)
    b.add(Flatten())
    odd = b.linear(8, 4 * 36, repeats=3)
    b.sign(8, 20)
    b.linear(8, 8, repeats=4)
    result = planned((network := b.network("odd", 6, 1, 4)), ULX3S, smallest_plan(network))
    assert describe(result, None)["notes"] == [
        f"{odd} saves memory alone: p=3 does not divide the 8 outputs, so each output has a row of "
        "its own; p=2, 4, 8 would share rows"
    ]


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
