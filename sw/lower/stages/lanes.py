"""Stages of one unit that treats every channel alike, some elements a cycle."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd
from typing import Any, Self

from subbit.hw.contract.limits import MEASURED, SizeLimits
from subbit.hw.contract.unit import Unit
from subbit.hw.streams.shapes import beat_sizes
from subbit.sw.ir.network import Network
from subbit.sw.ir.types import TensorType
from subbit.sw.lower.stages.stage import Stage, check_beats, divisors

__all__ = ["LaneStage"]


@dataclass(frozen=True)
class LaneStage(Stage):
    """One layer in one unit that takes ``lanes`` elements a cycle: a divisor of the channels, or
    whole pixels of a row, or whole rows, as far as the layer takes them.
    """

    lanes: int = 1

    @classmethod
    @abstractmethod
    def unit(cls, layer: Any, x: TensorType, lanes: int) -> Unit:
        """The unit that computes ``layer`` on input ``x``."""

    @classmethod
    def sizes(cls, layer: Any, x: TensorType) -> list[int]:
        """What ``lanes`` may be, ascending: all beat sizes of the input unless overridden."""
        return beat_sizes(x)

    @classmethod
    def default(cls, network: Network, layers: tuple[str, ...], lanes: int) -> Self:
        """As many of the lanes that the stage before gives as divide the channels.

        A short FIFO behind it keeps its ready, a path from the units behind to those before, short.
        """
        channels = network.types[layers[0]].channels
        return cls(layers=layers, fifo=2, lanes=gcd(channels, lanes))

    def axes(self, network: Network) -> dict[str, Sequence[int | str]]:
        """``lanes``, up to a pixel."""
        return {"lanes": divisors(self.input(network).channels)}

    def wide_axes(self, network: Network) -> dict[str, Sequence[int | str]]:
        """``lanes``, up to a frame."""
        return {"lanes": self.sizes(network.node(self.layers[0]).layer, self.input(network))}

    def least_cycles(self, network: Network) -> int:
        """A beat a cycle."""
        return self.input(network).elements // self.lanes

    def input(self, network: Network) -> TensorType:
        """Type of the layer's input."""
        return network.types[network.node(self.layers[0]).inputs[0]]

    def units(self, network: Network, limits: SizeLimits = MEASURED) -> list[tuple[str, Unit]]:
        """The one unit, named after the layer's kind."""
        node = network.node(self.layers[0])
        x = self.input(network)
        check_beats(self.lanes, self.sizes(node.layer, x), x)
        return [(node.layer.kind, self.unit(node.layer, x, self.lanes))]
