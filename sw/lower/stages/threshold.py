"""Thresholds in a unit of its own."""

from dataclasses import dataclass

from subbit.hw.post.threshold import ThresholdUnit
from subbit.sw.ir.layers.threshold import Threshold
from subbit.sw.ir.types import TensorType
from subbit.sw.lower.stages.lanes import LaneStage

__all__ = ["ThresholdStage"]


@dataclass(frozen=True)
class ThresholdStage(LaneStage):
    """Thresholds, ``lanes`` elements a cycle."""

    @classmethod
    def unit(cls, layer: Threshold, x: TensorType, lanes: int) -> ThresholdUnit:
        """See LaneStage."""
        return ThresholdUnit(layer=layer, input=x, lanes=lanes)
