"""2x2 max pooling in a unit of its own."""

from dataclasses import dataclass

from subbit.hw.layers.maxpool2d import MaxPool2dUnit, pool_sizes
from subbit.sw.ir.layers.maxpool2d import MaxPool2d
from subbit.sw.ir.types import TensorType
from subbit.sw.lower.stages.lanes import LaneStage

__all__ = ["MaxPoolStage"]


@dataclass(frozen=True)
class MaxPoolStage(LaneStage):
    """2x2 max pooling, ``lanes`` elements a cycle, one of ``pool_sizes``."""

    @classmethod
    def sizes(cls, layer: MaxPool2d, x: TensorType) -> list[int]:
        """Those that can be halved in both directions."""
        return pool_sizes(x)

    @classmethod
    def unit(cls, layer: MaxPool2d, x: TensorType, lanes: int) -> MaxPool2dUnit:
        """See LaneStage."""
        return MaxPool2dUnit(input=x, lanes=lanes)
