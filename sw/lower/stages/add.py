"""The sum of two tensors in a unit of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd

from subbit.hw.contract.limits import MEASURED, SizeLimits
from subbit.hw.contract.unit import Unit
from subbit.hw.layers.add import AddUnit
from subbit.hw.streams.shapes import beat_sizes
from subbit.sw.errors import PlanError
from subbit.sw.ir.layers.add import Add
from subbit.sw.ir.network import Network
from subbit.sw.lower.stages.stage import Stage, check_beats, divisors

__all__ = ["AddStage"]


@dataclass(frozen=True)
class AddStage(Stage):
    """The sum of two tensors, ``lanes`` elements of each a cycle: a divisor of the channels, or
    whole pixels of a row, or whole rows.
    """

    lanes: int = 1

    @classmethod
    def default(cls, network: Network, layers: tuple[str, ...], lanes: int) -> "AddStage":
        """As many of the lanes that the stages before give as divide the channels."""
        channels = network.types[layers[0]].channels
        return cls(layers=layers, fifo=2, lanes=gcd(channels, lanes))

    def axes(self, network: Network) -> dict[str, Sequence[int | str]]:
        """``lanes``, up to a pixel."""
        return {"lanes": divisors(network.types[self.layers[0]].channels)}

    def wide_axes(self, network: Network) -> dict[str, Sequence[int | str]]:
        """``lanes``, up to a frame."""
        return {"lanes": beat_sizes(network.types[self.layers[0]])}

    def least_cycles(self, network: Network) -> int:
        """A beat a cycle."""
        return network.types[self.layers[0]].elements // self.lanes

    def units(self, network: Network, limits: SizeLimits = MEASURED) -> list[tuple[str, Unit]]:
        """The adder, which has two input streams."""
        node = network.node(self.layers[0])
        if not isinstance(node.layer, Add):
            raise PlanError(f"layer {node.name!r} is no addition")
        left, right = (network.types[name] for name in node.inputs)
        check_beats(self.lanes, beat_sizes(left), left)
        return [("add", AddUnit(layer=node.layer, left=left, right=right, lanes=self.lanes))]
