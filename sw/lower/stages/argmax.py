"""The class with the greatest logit."""

from dataclasses import dataclass

from subbit.hw.contract.limits import MEASURED, SizeLimits
from subbit.hw.contract.unit import Unit
from subbit.hw.layers.argmax import ArgmaxUnit
from subbit.sw.ir.network import Network
from subbit.sw.lower.stages.stage import Stage

__all__ = ["ArgmaxStage"]


@dataclass(frozen=True)
class ArgmaxStage(Stage):
    """Argmax, one logit a cycle; its stream carries the logits and then the class."""

    @classmethod
    def default(cls, network: Network, layers: tuple[str, ...], lanes: int) -> "ArgmaxStage":
        """There is only one."""
        return cls(layers=layers)

    def units(self, network: Network, limits: SizeLimits = MEASURED) -> list[tuple[str, Unit]]:
        """One argmax unit."""
        x = network.types[network.node(self.layers[0]).inputs[0]]
        return [("argmax", ArgmaxUnit(input=x))]
