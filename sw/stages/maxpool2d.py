"""2x2 max pooling."""

from dataclasses import dataclass
from math import gcd

from subbit.sw.units.maxpool2d import MaxPool2d

from subbit.sw.ir.network import Network
from subbit.sw.stages.stage import Stage, check_divides
from subbit.sw.units.unit import Unit

__all__ = ["MaxPoolStage"]


@dataclass(frozen=True)
class MaxPoolStage(Stage):
    """2x2 max pooling of ``lanes`` channels a cycle, a divisor of the channels."""

    lanes: int = 1

    @classmethod
    def default(cls, network: Network, layers: tuple[str, ...], lanes: int) -> "MaxPoolStage":
        """As many lanes as the stage before gives, if they divide the channels."""
        channels = network.types[layers[0]].channels
        return cls(layers=layers, lanes=gcd(channels, lanes))

    def units(self, network: Network) -> list[tuple[str, Unit]]:
        """One pooling unit."""
        x = network.types[network.node(self.layers[0]).inputs[0]]
        check_divides("lanes", self.lanes, x.channels, "the channels")
        return [("pool", MaxPool2d(input=x, lanes=self.lanes))]
