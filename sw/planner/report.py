"""A planned network in numbers: JSON values, and what bounds it and what would be next."""

from dataclasses import asdict, dataclass
from typing import Any

from subbit.sw.planner.costs import Costs
from subbit.sw.planner.goal import RESERVE, Goal, Planned, budget_of
from subbit.sw.planner.most import feasible
from subbit.sw.planner.search import Search, lacking

__all__ = ["End", "Next", "describe", "ended", "next_step", "plan_report"]

FULL, EVERY_CYCLE, BOUND = "device", "cycle", "stage"


@dataclass(frozen=True)
class Next:
    """The next faster plan: the cycles of its slowest stage, what it takes more of each kind of
    cell, and what of that the device lacks within its reserve.
    """

    cycles: int
    lut4: int
    block_rams: int
    multipliers: int
    lacking: dict[str, int]


@dataclass(frozen=True)
class End:
    """Why nothing faster was planned: ``by`` the ``device``, which is full within its ``reserve``;
    the ``cycle``, as a frame comes in each; or the ``stage`` that has nothing faster.

    ``lacking``: of a full device what the next faster plan needs more than is left, by kind of
    cell; none where that fits without FIFOs and not with them. ``allowed``: what the accelerator
    may take.
    """

    by: str
    reserve: float
    lacking: dict[str, int]
    allowed: dict[str, int]


def ended(result: Planned, goal: Goal, after: Next | None) -> End:
    """Why a plan of the highest rate for a goal is no faster; ``after``: see next_step."""
    budget = budget_of(result.network, result.board, goal)
    by = FULL if after else BOUND
    if result.timing.interval_cycles == 1:
        by = EVERY_CYCLE
    missing = after.lacking if after else {}
    return End(by, goal.reserve, missing, budget.counts)


def next_step(
    result: Planned, search: Search | None = None, goal: Goal | None = None
) -> Next | None:
    """The next faster plan of least area, without FIFOs; None where there is none. What it lacks is
    told for the goal, or for the usual reserve.
    """
    board = result.board
    goal = goal or Goal(reserve=RESERVE)
    costs = Costs.on(result.network, board.device)
    search = search or Search(result.network, costs, wires=goal.wires)
    budget = budget_of(result.network, board, goal)
    faster = search.solve(result.slowest.cycles - 1, budget)
    now = search.of(result.plan.stages)
    if faster is None or now is None:
        return None
    return Next(
        faster.slowest,
        faster.cost.lut4 - now.cost.lut4,
        faster.cost.block_rams - now.cost.block_rams,
        faster.cost.multipliers - now.cost.multipliers,
        lacking(faster.cost, budget),
    )


def plan_report(result: Planned, goal: Goal | None = None) -> dict[str, Any]:
    """What ``subbit plan --json`` prints: see describe and next_step; ``would_do``: what would, for
    a plan that does not fit its board; ``ended``: see End, for a ``goal`` without a rate.
    """
    costs = Costs.on(result.network, result.board.device)
    search = Search(result.network, costs, wires=goal is not None and goal.wires)
    after = next_step(result, search, goal)
    row = describe(result, after)
    most = goal is not None and goal.fps is None
    row["ended"] = asdict(ended(result, goal, after)) if goal and most else None
    return row | {"would_do": instead(result, search) if row["lacking"] else []}


def instead(result: Planned, search: Search) -> list[str]:
    """What would fit where a plan does not."""
    from subbit.sw.planner.advice import would_do

    goal = Goal(reserve=RESERVE)
    if feasible(search, result.board, goal):
        return ["`subbit plan --max` makes one that fits"]
    return list(would_do(result.board, goal, search))


def describe(result: Planned, after: Next | None) -> dict[str, Any]:
    """The plan and what is expected of it, as JSON values."""
    device = result.board.device
    return {
        "network": result.network.name,
        "board": result.board.name,
        "interval_cycles": result.timing.interval_cycles,
        "latency_cycles": result.timing.latency_cycles,
        "clock_mhz": round(result.clock_hz / 1e6, 3),
        "fps": round(result.fps, 3),
        "bound_by": list(result.slowest.stage.layers),
        "waiting_cycles": max(0, result.timing.interval_cycles - result.slowest.cycles),
        "next": asdict(after) if after else None,
        **result.design.counts,
        "available": device.cells.counts,
        "lacking": lacking(result.design, device.cells),
        "host": result.host.counts,
        "stages": [
            row.stage.to_json() | {"cycles": row.cycles} | row.cost.counts for row in result.rows
        ],
        "queues": dict(result.plan.queues),
        "notes": notes(result),
    }


def notes(result: Planned) -> list[str]:
    """What another training would gain, by what the stages say of it."""
    return [note for stage in result.plan.stages for note in stage.notes(result.network)]
