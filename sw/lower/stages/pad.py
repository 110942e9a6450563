"""A border around a map in a unit of its own."""

from dataclasses import dataclass

from subbit.hw.layers.pad import PadUnit, pad_sizes
from subbit.sw.ir.layers.pad import Pad
from subbit.sw.ir.network import Network
from subbit.sw.ir.types import TensorType
from subbit.sw.lower.stages.lanes import LaneStage

__all__ = ["PadStage"]


@dataclass(frozen=True)
class PadStage(LaneStage):
    """A border, around a map that comes ``lanes`` elements a cycle."""

    @classmethod
    def sizes(cls, layer: Pad, x: TensorType) -> list[int]:
        """Those around which the border is whole beats, or part of each."""
        return pad_sizes(layer, x)

    @classmethod
    def unit(cls, layer: Pad, x: TensorType, lanes: int) -> PadUnit:
        """See LaneStage."""
        return PadUnit(layer=layer, input=x, lanes=lanes)

    def least_cycles(self, network: Network) -> int:
        """A beat of the output a cycle, where it holds as much as one of the input."""
        x, y = self.input(network), network.types[self.layers[0]]
        beats = x.elements // self.lanes
        return y.elements // self.lanes if self.lanes <= x.channels else beats
