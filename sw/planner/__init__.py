"""The planner: engine, folding and FIFOs of every layer, for a rate or for a device."""

from subbit.sw.planner.choose import DEFAULT_LUT4, default_plan, plan_for
from subbit.sw.planner.costs import StageEstimate
from subbit.sw.planner.goal import Goal, Planned, planned
from subbit.sw.planner.report import plan_report

__all__ = [
    "DEFAULT_LUT4",
    "Goal",
    "Planned",
    "StageEstimate",
    "default_plan",
    "plan_for",
    "plan_report",
    "planned",
]
