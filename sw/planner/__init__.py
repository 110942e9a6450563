"""The planner: engine, folding and FIFOs of every layer, for a rate or for a device."""

from subbit.sw.planner.default import DEFAULT_LUT4, StageEstimate, default_plan, estimate

__all__ = ["DEFAULT_LUT4", "StageEstimate", "default_plan", "estimate"]
