"""A planned network in numbers: JSON values, and what bounds it and what would be next."""

from dataclasses import asdict, dataclass
from typing import Any

from subbit.hw.contract.cost import Cost
from subbit.sw.ir.layers.conv2d import Conv2d
from subbit.sw.ir.layers.linear import Linear
from subbit.sw.ir.weights import TiledWeights
from subbit.sw.lower.engines.shared_rows import sharing_advice, short_tile
from subbit.sw.planner.costs import Costs
from subbit.sw.planner.goal import RESERVE, Goal, Planned, budget_of, feasible
from subbit.sw.planner.search import Search, lacking

__all__ = ["Next", "describe", "next_step", "plan_report"]

UNLIMITED = Cost(1 << 40, 1 << 40, 1 << 40)


@dataclass(frozen=True)
class Next:
    """The next faster plan: the cycles of its slowest stage, what it takes more of each kind of
    cell, and what of that the device lacks with the usual reserve.
    """

    cycles: int
    lut4: int
    block_rams: int
    lacking: dict[str, int]


def next_step(result: Planned, search: Search | None = None) -> Next | None:
    """The next faster plan of least area, without FIFOs; None where there is none."""
    board = result.board
    search = search or Search(result.network, Costs(result.network, board.device.fabric))
    budget = budget_of(result.network, board, Goal(reserve=RESERVE))
    faster = search.solve(result.slowest.cycles - 1, budget)
    now = search.of(result.plan.stages)
    if faster is None or now is None:
        return None
    return Next(
        faster.slowest,
        faster.cost.lut4 - now.cost.lut4,
        faster.cost.block_rams - now.cost.block_rams,
        lacking(faster.cost, budget),
    )


def plan_report(result: Planned) -> dict[str, Any]:
    """What ``subbit plan --json`` prints: see describe and next_step; ``would_do``: what would, for
    a plan that does not fit its board.
    """
    search = Search(result.network, Costs(result.network, result.board.device.fabric))
    row = describe(result, next_step(result, search))
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
        "lut4": result.design.lut4,
        "flip_flops": result.design.flip_flops,
        "block_rams": result.design.block_rams,
        "available": {
            "lut4": device.lut4,
            "flip_flops": device.flip_flops,
            "block_rams": device.block_rams,
        },
        "lacking": lacking(result.design, Cost(device.lut4, device.flip_flops, device.block_rams)),
        "host": result.host.counts,
        "stages": [
            row.stage.to_json() | {"cycles": row.cycles} | row.cost.counts for row in result.rows
        ],
        "queues": dict(result.plan.queues),
        "notes": notes(result),
    }


def notes(result: Planned) -> list[str]:
    """What another training would gain: tiled layers in which no outputs share a row, and those
    with tiles shorter than one.
    """
    found = []
    for stage in result.plan.stages:
        layer = result.network.node(stage.layers[0]).layer
        if isinstance(layer, Conv2d | Linear) and isinstance(layer.weights, TiledWeights):
            advice = sharing_advice(layer.weights)
            if advice:
                found.append(f"{stage.layers[0]} saves memory alone: {advice}")
            if said := short_tile(layer.weights):
                found.append(f"{stage.layers[0]}: {said}")
    return found
