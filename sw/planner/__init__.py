"""The planner: engine, folding and FIFOs of every layer, for a rate or for a device."""

from subbit.sw.planner.costs import StageEstimate
from subbit.sw.planner.default import DEFAULT_LUT4, default_plan, estimate
from subbit.sw.planner.goal import Goal, Planned, plan_for, planned

__all__ = [
    "DEFAULT_LUT4",
    "Goal",
    "Planned",
    "StageEstimate",
    "default_plan",
    "estimate",
    "plan_for",
    "planned",
]
