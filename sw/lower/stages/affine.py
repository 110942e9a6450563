"""Integer scale and offset in a unit of its own."""

from dataclasses import dataclass

from subbit.hw.post.affine import AffineUnit
from subbit.sw.ir.layers.affine import Affine
from subbit.sw.ir.types import TensorType
from subbit.sw.lower.stages.lanes import LaneStage

__all__ = ["AffineStage"]


@dataclass(frozen=True)
class AffineStage(LaneStage):
    """Integer scale and offset, ``lanes`` elements a cycle."""

    @classmethod
    def unit(cls, layer: Affine, x: TensorType, lanes: int) -> AffineUnit:
        """See LaneStage."""
        return AffineUnit(layer=layer, input=x, lanes=lanes)
