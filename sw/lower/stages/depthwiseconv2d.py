"""Depthwise convolutions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from subbit.hw.contract.limits import MEASURED, SizeLimits
from subbit.hw.contract.unit import Unit
from subbit.hw.dot.depthwise import DepthwiseUnit
from subbit.hw.window.window import WindowUnit
from subbit.sw.errors import PlanError
from subbit.sw.ir.layers.affine import Affine
from subbit.sw.ir.layers.depthwiseconv2d import DepthwiseConv2d
from subbit.sw.ir.layers.threshold import Threshold
from subbit.sw.ir.network import Network, Node
from subbit.sw.lower.stages.stage import Stage, check_divides, divisors

__all__ = ["DepthwiseStage"]


@dataclass(frozen=True)
class DepthwiseStage(Stage):
    """A depthwise convolution, with the threshold or affine layer behind it.

    ``channels``: computed at once, a divisor of the channels. ``weights``: where the weights live,
    ``window``: where the line buffer does. Cycles per output pixel: ``C / channels``.
    """

    choices: ClassVar[dict[str, tuple[str, ...]]] = {
        "weights": ("auto", "block", "logic"),
        "window": ("auto", "block", "distributed"),
    }
    channels: int = 1
    weights: str = "auto"
    window: str = "auto"

    @classmethod
    def absorbs(cls, network: Network, node: Node, follower: Node) -> bool:
        """A threshold or affine layer right behind the dot products belongs to their engine."""
        own = isinstance(node.layer, DepthwiseConv2d)
        return own and isinstance(follower.layer, Threshold | Affine)

    @classmethod
    def default(cls, network: Network, layers: tuple[str, ...], lanes: int) -> "DepthwiseStage":
        """One channel at a time."""
        return cls(layers=layers)

    def axes(self, network: Network) -> dict[str, Sequence[int | str]]:
        """``channels``, and where weights live."""
        channels = network.types[self.layers[0]].channels
        return {"channels": divisors(channels), "weights": ["block", "logic"]}

    def least_cycles(self, network: Network) -> int:
        """A beat a cycle."""
        return network.types[self.layers[0]].elements // self.channels

    def units(self, network: Network, limits: SizeLimits = MEASURED) -> list[tuple[str, Unit]]:
        """A window and the engine."""
        node = network.node(self.layers[0])
        x, layer = network.types[node.inputs[0]], node.layer
        if not isinstance(layer, DepthwiseConv2d):
            raise PlanError(f"layer {node.name!r} is no depthwise convolution")
        check_divides("channels", self.channels, x.channels, "the channels")
        window = WindowUnit(
            input=x,
            kernel=layer.kernel,
            stride=layer.stride,
            padding=layer.padding,
            channels=self.channels,
            folds=1,
            memory=self.window,
            pads=layer.pads,
        )
        engine = DepthwiseUnit(
            layer=layer,
            input=x,
            channels=self.channels,
            post=self.post(network),
            memory=self.weights,
        )
        return [("window", window), ("depthwise", engine)]
