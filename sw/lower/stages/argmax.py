"""The class with the greatest logit."""

from collections.abc import Sequence
from dataclasses import dataclass

from subbit.hw.contract.limits import MEASURED, SizeLimits
from subbit.hw.contract.unit import Unit
from subbit.hw.layers.argmax import ArgmaxUnit
from subbit.sw.ir.network import Network
from subbit.sw.ir.types import TensorType
from subbit.sw.lower.stages.stage import Stage, check_divides, divisors

__all__ = ["ArgmaxStage"]


@dataclass(frozen=True)
class ArgmaxStage(Stage):
    """Argmax, ``lanes`` logits a cycle, a divisor of the classes. Its stream carries the logits and
    then the class; with several lanes the class stands beside the logits of each beat. Of a map it
    carries the classes alone.
    """

    lanes: int = 1

    @classmethod
    def default(cls, network: Network, layers: tuple[str, ...], lanes: int) -> "ArgmaxStage":
        """One logit a cycle."""
        return cls(layers=layers)

    def axes(self, network: Network) -> dict[str, Sequence[int | str]]:
        """Of a map ``lanes``, up to a pixel."""
        x = self.input(network)
        return {} if (x.height, x.width) == (1, 1) else {"lanes": divisors(x.channels)}

    def wide_axes(self, network: Network) -> dict[str, Sequence[int | str]]:
        """``lanes``, up to all classes."""
        return {"lanes": divisors(self.input(network).channels)}

    def least_cycles(self, network: Network) -> int:
        """A beat a cycle, and with one lane one more for the class."""
        x = self.input(network)
        beats = x.elements // self.lanes
        return beats if self.lanes > 1 or (x.height, x.width) != (1, 1) else beats + 1

    def input(self, network: Network) -> TensorType:
        """Type of the logits."""
        return network.types[network.node(self.layers[0]).inputs[0]]

    def units(self, network: Network, limits: SizeLimits = MEASURED) -> list[tuple[str, Unit]]:
        """One argmax unit."""
        x = self.input(network)
        check_divides("lanes", self.lanes, x.channels, "the classes")
        return [("argmax", ArgmaxUnit(input=x, lanes=self.lanes))]
