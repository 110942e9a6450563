"""Global average pooling, as sums, in a unit of its own."""

from dataclasses import dataclass

from subbit.sw.ir.layers.globalavgpool import GlobalAvgPool as Layer
from subbit.sw.ir.types import TensorType
from subbit.sw.stages.lanes import LaneStage
from subbit.sw.units.globalavgpool import GlobalAvgPool

__all__ = ["GlobalAvgPoolStage"]


@dataclass(frozen=True)
class GlobalAvgPoolStage(LaneStage):
    """Global average pooling, as sums, ``lanes`` channels a cycle."""

    @classmethod
    def unit(cls, layer: Layer, x: TensorType, lanes: int) -> GlobalAvgPool:
        """See LaneStage."""
        return GlobalAvgPool(input=x, lanes=lanes)
