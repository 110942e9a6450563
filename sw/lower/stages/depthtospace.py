"""Channels that become rows and columns, in a unit of its own."""

from collections.abc import Sequence
from dataclasses import dataclass

from subbit.hw.layers.depthtospace import DepthToSpaceUnit, depthtospace_sizes
from subbit.sw.ir.layers.depthtospace import DepthToSpace
from subbit.sw.ir.network import Network
from subbit.sw.ir.types import TensorType
from subbit.sw.lower.stages.lanes import LaneStage

__all__ = ["DepthToSpaceStage"]


@dataclass(frozen=True)
class DepthToSpaceStage(LaneStage):
    """Channels as blocks of pixels, ``lanes`` elements of the output a cycle."""

    @classmethod
    def sizes(cls, layer: DepthToSpace, x: TensorType) -> list[int]:
        """Parts of what a pixel gives to an output row, and of rows."""
        return depthtospace_sizes(layer, x)

    def axes(self, network: Network) -> dict[str, Sequence[int | str]]:
        """``lanes``, up to what a pixel of the input gives to an output row."""
        layer = network.node(self.layers[0]).layer
        assert isinstance(layer, DepthToSpace)
        x = self.input(network)
        most = x.channels // layer.rows
        return {"lanes": [n for n in self.sizes(layer, x) if n <= most]}

    @classmethod
    def unit(cls, layer: DepthToSpace, x: TensorType, lanes: int) -> DepthToSpaceUnit:
        """See LaneStage."""
        return DepthToSpaceUnit(layer=layer, input=x, lanes=lanes)

    def least_cycles(self, network: Network) -> int:
        """A beat of the output a cycle."""
        return network.types[self.layers[0]].elements // self.lanes
