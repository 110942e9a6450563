"""The channels of several tensors in a unit of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd

from subbit.hw.contract.limits import MEASURED, SizeLimits
from subbit.hw.contract.unit import Unit
from subbit.hw.layers.concat import ConcatUnit, concat_sizes
from subbit.sw.ir.network import Network
from subbit.sw.ir.types import TensorType
from subbit.sw.lower.stages.stage import Stage, check_beats

__all__ = ["ConcatStage"]


@dataclass(frozen=True)
class ConcatStage(Stage):
    """The channels of several tensors, ``lanes`` elements of the output a cycle: a divisor of the
    channels of every input, or whole pixels of a row, or whole rows.
    """

    lanes: int = 1

    @classmethod
    def default(cls, network: Network, layers: tuple[str, ...], lanes: int) -> "ConcatStage":
        """As many of the lanes that the stages before give as divide the channels of all inputs."""
        sources = network.node(layers[0]).inputs
        common = gcd(*(network.types[name].channels for name in sources))
        return cls(layers=layers, fifo=2, lanes=gcd(common, lanes))

    def axes(self, network: Network) -> dict[str, Sequence[int | str]]:
        """``lanes``, up to a pixel."""
        most = network.types[self.layers[0]].channels
        return {"lanes": [n for n in self.sizes(network) if n <= most]}

    def wide_axes(self, network: Network) -> dict[str, Sequence[int | str]]:
        """``lanes``, up to a frame."""
        return {"lanes": self.sizes(network)}

    def sizes(self, network: Network) -> list[int]:
        """What ``lanes`` may be."""
        return concat_sizes(self.parts(network))

    def parts(self, network: Network) -> tuple[TensorType, ...]:
        """The types of the inputs."""
        return tuple(network.types[name] for name in network.node(self.layers[0]).inputs)

    def least_cycles(self, network: Network) -> int:
        """A beat a cycle."""
        return network.types[self.layers[0]].elements // self.lanes

    def units(self, network: Network, limits: SizeLimits = MEASURED) -> list[tuple[str, Unit]]:
        """The one unit, which has an input stream for each tensor."""
        check_beats(self.lanes, self.sizes(network), network.types[self.layers[0]])
        return [("concat", ConcatUnit(parts=self.parts(network), lanes=self.lanes))]
