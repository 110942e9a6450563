"""Integer scale and offset in a unit of its own."""

from dataclasses import dataclass

from subbit.sw.ir.layers.affine import Affine as Layer
from subbit.sw.ir.types import TensorType
from subbit.sw.stages.lanes import LaneStage
from subbit.sw.units.affine import Affine

__all__ = ["AffineStage"]


@dataclass(frozen=True)
class AffineStage(LaneStage):
    """Integer scale and offset, ``lanes`` channels a cycle."""

    @classmethod
    def unit(cls, layer: Layer, x: TensorType, lanes: int) -> Affine:
        """See LaneStage."""
        return Affine(layer=layer, input=x, lanes=lanes)
