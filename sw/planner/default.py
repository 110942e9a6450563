"""A default plan: fold every layer so that the slowest is as fast as a LUT budget allows."""

from collections.abc import Callable

from subbit.sw.graph import groups, lanes_before
from subbit.sw.ir.network import Network
from subbit.sw.plan import Plan
from subbit.sw.planner.costs import StageEstimate, estimate_stage, with_popcount
from subbit.sw.stages.stage import Stage
from subbit.sw.units.popcount import PORTABLE

__all__ = ["DEFAULT_LUT4", "default_plan", "estimate"]

DEFAULT_LUT4 = 6000


def estimate(network: Network, plan: Plan) -> list[StageEstimate]:
    """The estimate of every stage; the slowest bounds the frame rate."""
    return [estimate_stage(network, stage) for stage in plan.stages]


def default_plan(network: Network, lut4: int = DEFAULT_LUT4, popcount: str = PORTABLE) -> Plan:
    """Speed up the slowest stage, cheapest step first, until ``lut4`` LUTs are spent or nothing
    helps.

    Starts with everything folded as far as it goes. ``lut4`` bounds the estimate of the accelerator
    without its host link. ``popcount``: the form of all counters.
    """
    wanted = list(groups(network))
    memo: dict[Stage, StageEstimate] = {}

    def estimated(stage: Stage) -> StageEstimate:
        if stage not in memo:
            memo[stage] = estimate_stage(network, stage)
        return memo[stage]

    def complete(chosen: dict[int, Stage]) -> list[StageEstimate]:
        rows: list[StageEstimate] = []
        lanes: dict[str, int] = {}
        for position, (cls, layers) in enumerate(wanted):
            before = lanes_before(network, layers, lanes)
            stage = chosen.get(position) or cls.default(network, layers, before)
            rows.append(estimated(stage))
            lanes[layers[-1]] = stage.units(network)[-1][1].o.lanes
        return rows

    chosen: dict[int, Stage] = {
        position: cls.default(network, layers, 1)
        for position, (cls, layers) in enumerate(wanted)
        if cls.faster is not Stage.faster
    }
    # Compressor trees take long to find, so the portable form, which takes more, goes first.
    for form in dict.fromkeys((PORTABLE, popcount)):
        chosen = {at: with_popcount(stage, form) for at, stage in chosen.items()}
        rows = complete(chosen)
        while chosen:
            slowest = max(chosen, key=lambda position: rows[position].cycles)
            best = best_step(network, rows[slowest], estimated)
            if best is None:
                break
            trial = complete(chosen | {slowest: best})
            if sum(row.cost.lut4 for row in trial) > lut4:
                break
            chosen[slowest], rows = best, trial
    return Plan(network.digest, tuple(row.stage for row in rows))


def best_step(
    network: Network, row: StageEstimate, estimated: Callable[[Stage], StageEstimate]
) -> Stage | None:
    """The faster variant that saves the most cycles per LUT4, or None where there is none."""
    options = [estimated(stage) for stage in row.stage.faster(network)]
    options = [option for option in options if option.cycles < row.cycles]
    if not options:
        return None
    return max(
        options,
        key=lambda option: (row.cycles - option.cycles) / max(1, option.cost.lut4 - row.cost.lut4),
    ).stage
