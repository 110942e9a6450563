"""2x2 max pooling in a unit of its own."""

from dataclasses import dataclass

from subbit.sw.ir.layers.maxpool2d import MaxPool2d as Layer
from subbit.sw.ir.types import TensorType
from subbit.sw.stages.lanes import LaneStage
from subbit.sw.units.maxpool2d import MaxPool2d

__all__ = ["MaxPoolStage"]


@dataclass(frozen=True)
class MaxPoolStage(LaneStage):
    """2x2 max pooling, ``lanes`` channels a cycle."""

    @classmethod
    def unit(cls, layer: Layer, x: TensorType, lanes: int) -> MaxPool2d:
        """See LaneStage."""
        return MaxPool2d(input=x, lanes=lanes)
