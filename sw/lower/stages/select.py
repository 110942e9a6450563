"""Some channels of a tensor in a unit of its own."""

from dataclasses import dataclass
from math import gcd
from typing import Any, Self

from subbit.hw.contract.unit import Lanes, Unit
from subbit.hw.layers.select import SelectUnit, chunks_of, in_order, select_sizes
from subbit.hw.streams.replay import ReplayUnit
from subbit.sw.ir.layers.select import Select
from subbit.sw.ir.network import Network
from subbit.sw.ir.types import TensorType
from subbit.sw.lower.stages.lanes import LaneStage

__all__ = ["SelectStage"]


@dataclass(frozen=True)
class SelectStage(LaneStage):
    """The selected channels, ``lanes`` elements of the input a cycle. Where these are parts of a
    pixel that change places, the pixel is kept in a memory and read in the other order.
    """

    @classmethod
    def sizes(cls, layer: Select, x: TensorType) -> list[int]:
        """Those of which whole ones are selected."""
        return select_sizes(layer, x)

    @classmethod
    def default(cls, network: Network, layers: tuple[str, ...], lanes: int) -> Self:
        """As many of the lanes that the stage before gives as may be selected."""
        node = network.node(layers[0])
        assert isinstance(node.layer, Select)
        x = network.types[node.inputs[0]]
        fitting = [n for n in cls.sizes(node.layer, x) if gcd(n, lanes, x.channels) == n]
        return cls(layers=layers, fifo=2, lanes=max(fitting))

    def axes(self, network: Network) -> dict[str, Any]:
        """``lanes``, up to a pixel."""
        x = self.input(network)
        layer = network.node(self.layers[0]).layer
        assert isinstance(layer, Select)
        sizes = self.sizes(layer, x)
        return {"lanes": [n for n in sizes if n <= x.channels]}

    @classmethod
    def unit(cls, layer: Select, x: TensorType, lanes: int) -> Unit:
        """Wires, beats that pass or do not, or a memory of a pixel."""
        parts = chunks_of(layer, lanes) if lanes < x.channels else None
        if parts is None or in_order(parts):
            return SelectUnit(layer=layer, input=x, lanes=lanes)
        return ReplayUnit(
            element=Lanes.of(x, lanes),
            words=x.channels // lanes,
            folds=1,
            vectors=x.height * x.width,
            order=tuple(parts),
        )

    def least_cycles(self, network: Network) -> int:
        """A beat a cycle, of the input or of the output."""
        y = network.types[self.layers[0]]
        given = y.elements // self.lanes if self.lanes < self.input(network).channels else 0
        return max(self.input(network).elements // self.lanes, given)
