"""Average pooling, as sums, in a unit of its own."""

from dataclasses import dataclass

from subbit.hw.layers.avgpool2d import AvgPool2dUnit, window_sizes
from subbit.sw.ir.layers.avgpool2d import AvgPool2d
from subbit.sw.ir.types import TensorType
from subbit.sw.lower.stages.lanes import LaneStage

__all__ = ["AvgPoolStage"]


@dataclass(frozen=True)
class AvgPoolStage(LaneStage):
    """Average pooling, as sums, ``lanes`` elements a cycle, one of ``window_sizes``."""

    @classmethod
    def sizes(cls, layer: AvgPool2d, x: TensorType) -> list[int]:
        """Those that hold whole windows, or no more than a pixel."""
        return window_sizes(layer, x)

    @classmethod
    def unit(cls, layer: AvgPool2d, x: TensorType, lanes: int) -> AvgPool2dUnit:
        """See LaneStage."""
        return AvgPool2dUnit(layer=layer, input=x, lanes=lanes)
