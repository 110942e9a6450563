"""A threshold activation that no engine absorbs."""

from dataclasses import dataclass
from math import gcd

from subbit.sw.units.threshold import Threshold

from subbit.sw.errors import PlanError
from subbit.sw.ir.layers.threshold import Threshold as ThresholdLayer
from subbit.sw.ir.network import Network
from subbit.sw.stages.stage import Stage, check_divides
from subbit.sw.units.unit import Unit

__all__ = ["ThresholdStage"]


@dataclass(frozen=True)
class ThresholdStage(Stage):
    """Thresholds of ``lanes`` channels a cycle, a divisor of the channels."""

    lanes: int = 1

    @classmethod
    def default(cls, network: Network, layers: tuple[str, ...], lanes: int) -> "ThresholdStage":
        """As many lanes as the stage before gives, if they divide the channels."""
        return cls(layers=layers, lanes=gcd(network.types[layers[0]].channels, lanes))

    def units(self, network: Network) -> list[tuple[str, Unit]]:
        """One threshold unit."""
        node = network.node(self.layers[0])
        x = network.types[node.inputs[0]]
        if not isinstance(node.layer, ThresholdLayer):
            raise PlanError(f"layer {node.name!r} is no threshold")
        check_divides("lanes", self.lanes, x.channels, "the channels")
        return [("threshold", Threshold(layer=node.layer, input=x, lanes=self.lanes))]
