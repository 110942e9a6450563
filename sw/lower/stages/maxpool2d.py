"""Max pooling in a unit of its own."""

from dataclasses import dataclass

from subbit.hw.contract.unit import Unit
from subbit.hw.layers.maxpool2d import MaxPool2dUnit, pool_sizes
from subbit.hw.layers.windowmax import WindowMaxUnit
from subbit.hw.layers.windowpool import window_sizes
from subbit.sw.ir.layers.maxpool2d import MaxPool2d
from subbit.sw.ir.types import TensorType
from subbit.sw.lower.stages.lanes import LaneStage

__all__ = ["MaxPoolStage"]


@dataclass(frozen=True)
class MaxPoolStage(LaneStage):
    """Max pooling, ``lanes`` elements a cycle, of 2x2 blocks one of ``pool_sizes``, of other
    windows one of ``window_sizes``.
    """

    @classmethod
    def sizes(cls, layer: MaxPool2d, x: TensorType) -> list[int]:
        """Those that can be halved in both directions, or that hold whole windows."""
        return pool_sizes(x) if layer.is_blocks else window_sizes(layer, x)

    @classmethod
    def unit(cls, layer: MaxPool2d, x: TensorType, lanes: int) -> Unit:
        """See LaneStage."""
        if layer.is_blocks:
            return MaxPool2dUnit(input=x, lanes=lanes)
        return WindowMaxUnit(layer=layer, input=x, lanes=lanes)
