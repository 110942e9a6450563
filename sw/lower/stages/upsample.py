"""Nearest upsampling in a unit of its own."""

from collections.abc import Sequence
from dataclasses import dataclass

from subbit.hw.layers.upsample import UpsampleUnit, upsample_sizes
from subbit.sw.ir.layers.upsample import Upsample
from subbit.sw.ir.network import Network
from subbit.sw.ir.types import TensorType
from subbit.sw.lower.stages.lanes import LaneStage

__all__ = ["UpsampleStage"]


@dataclass(frozen=True)
class UpsampleStage(LaneStage):
    """Upsampling, ``lanes`` elements of the output a cycle."""

    @classmethod
    def sizes(cls, layer: Upsample, x: TensorType) -> list[int]:
        """Those that hold whole blocks of equal elements, or part of one."""
        return upsample_sizes(layer, x)

    def axes(self, network: Network) -> dict[str, Sequence[int | str]]:
        """``lanes``, up to a pixel, and its copies side by side."""
        layer = network.node(self.layers[0]).layer
        assert isinstance(layer, Upsample)
        x = self.input(network)
        most = x.channels * layer.columns
        return {"lanes": [n for n in self.sizes(layer, x) if n <= most]}

    @classmethod
    def unit(cls, layer: Upsample, x: TensorType, lanes: int) -> UpsampleUnit:
        """See LaneStage."""
        return UpsampleUnit(layer=layer, input=x, lanes=lanes)

    def least_cycles(self, network: Network) -> int:
        """A beat of the output a cycle."""
        return network.types[self.layers[0]].elements // self.lanes
