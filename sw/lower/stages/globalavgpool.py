"""Global average pooling, as sums, in a unit of its own."""

from dataclasses import dataclass

from subbit.hw.layers.globalavgpool import GlobalAvgPoolUnit
from subbit.sw.ir.layers.globalavgpool import GlobalAvgPool
from subbit.sw.ir.types import TensorType
from subbit.sw.lower.stages.lanes import LaneStage

__all__ = ["GlobalAvgPoolStage"]


@dataclass(frozen=True)
class GlobalAvgPoolStage(LaneStage):
    """Global average pooling, as sums, ``lanes`` elements a cycle."""

    @classmethod
    def unit(cls, layer: GlobalAvgPool, x: TensorType, lanes: int) -> GlobalAvgPoolUnit:
        """See LaneStage."""
        return GlobalAvgPoolUnit(input=x, lanes=lanes)
