"""Average pooling, as sums, in a unit of its own."""

from dataclasses import dataclass

from subbit.sw.ir.layers.avgpool2d import AvgPool2d as Layer
from subbit.sw.ir.types import TensorType
from subbit.sw.stages.lanes import LaneStage
from subbit.sw.units.avgpool2d import AvgPool2d

__all__ = ["AvgPoolStage"]


@dataclass(frozen=True)
class AvgPoolStage(LaneStage):
    """Average pooling, as sums, ``lanes`` channels a cycle."""

    @classmethod
    def unit(cls, layer: Layer, x: TensorType, lanes: int) -> AvgPool2d:
        """See LaneStage."""
        return AvgPool2d(layer=layer, input=x, lanes=lanes)
