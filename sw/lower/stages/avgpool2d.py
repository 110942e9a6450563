"""Average pooling, as sums, in a unit of its own."""

from dataclasses import dataclass

from subbit.hw.layers.avgpool2d import AvgPool2dUnit
from subbit.sw.ir.layers.avgpool2d import AvgPool2d
from subbit.sw.ir.types import TensorType
from subbit.sw.lower.stages.lanes import LaneStage

__all__ = ["AvgPoolStage"]


@dataclass(frozen=True)
class AvgPoolStage(LaneStage):
    """Average pooling, as sums, ``lanes`` channels a cycle."""

    @classmethod
    def unit(cls, layer: AvgPool2d, x: TensorType, lanes: int) -> AvgPool2dUnit:
        """See LaneStage."""
        return AvgPool2dUnit(layer=layer, input=x, lanes=lanes)
