"""Requantisation in a unit of its own."""

from dataclasses import dataclass

from subbit.hw.post.requantise import RequantiseUnit
from subbit.sw.ir.layers.requantise import Requantise
from subbit.sw.ir.types import TensorType
from subbit.sw.lower.stages.lanes import LaneStage

__all__ = ["RequantiseStage"]


@dataclass(frozen=True)
class RequantiseStage(LaneStage):
    """Multiplier, shift, rounding and limits, ``lanes`` elements a cycle."""

    @classmethod
    def unit(cls, layer: Requantise, x: TensorType, lanes: int) -> RequantiseUnit:
        """See LaneStage."""
        return RequantiseUnit(layer=layer, input=x, lanes=lanes)
