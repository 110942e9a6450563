"""The planner: engine, folding and FIFOs of every layer, for a rate or for a device."""

from subbit.sw.planner.choose import DEFAULT_LUT4, default_plan
from subbit.sw.planner.costs import StageEstimate
from subbit.sw.planner.goal import Goal, Planned, plan_for, planned

__all__ = [
    "DEFAULT_LUT4",
    "Goal",
    "Planned",
    "StageEstimate",
    "default_plan",
    "plan_for",
    "planned",
]
