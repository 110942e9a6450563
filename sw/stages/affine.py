"""An integer scale and offset that no engine absorbs."""

from dataclasses import dataclass
from math import gcd

from subbit.sw.units.affine import Affine

from subbit.sw.errors import PlanError
from subbit.sw.ir.layers.affine import Affine as AffineLayer
from subbit.sw.ir.network import Network
from subbit.sw.stages.stage import Stage, check_divides
from subbit.sw.units.unit import Unit

__all__ = ["AffineStage"]


@dataclass(frozen=True)
class AffineStage(Stage):
    """Scale and offset of ``lanes`` channels a cycle, a divisor of the channels."""

    lanes: int = 1

    @classmethod
    def default(cls, network: Network, layers: tuple[str, ...], lanes: int) -> "AffineStage":
        """As many lanes as the stage before gives, if they divide the channels."""
        return cls(layers=layers, lanes=gcd(network.types[layers[0]].channels, lanes))

    def units(self, network: Network) -> list[tuple[str, Unit]]:
        """One affine unit."""
        node = network.node(self.layers[0])
        x = network.types[node.inputs[0]]
        if not isinstance(node.layer, AffineLayer):
            raise PlanError(f"layer {node.name!r} is no affine layer")
        check_divides("lanes", self.lanes, x.channels, "the channels")
        return [("affine", Affine(layer=node.layer, input=x, lanes=self.lanes))]
