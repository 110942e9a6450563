"""Thresholds in a unit of its own."""

from dataclasses import dataclass

from subbit.sw.ir.layers.threshold import Threshold as Layer
from subbit.sw.ir.types import TensorType
from subbit.sw.stages.lanes import LaneStage
from subbit.sw.units.threshold import Threshold

__all__ = ["ThresholdStage"]


@dataclass(frozen=True)
class ThresholdStage(LaneStage):
    """Thresholds, ``lanes`` channels a cycle."""

    @classmethod
    def unit(cls, layer: Layer, x: TensorType, lanes: int) -> Threshold:
        """See LaneStage."""
        return Threshold(layer=layer, input=x, lanes=lanes)
