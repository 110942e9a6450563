"""Depthwise convolutions."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
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
from subbit.sw.ir.types import TensorType
from subbit.sw.lower.engines.widths import TRIED
from subbit.sw.lower.stages.stage import (
    Stage,
    check_divides,
    check_pixels,
    combinations,
    divisors,
    pixel_counts,
)

__all__ = ["DepthwiseStage"]


@dataclass(frozen=True)
class DepthwiseStage(Stage):
    """A depthwise convolution, with the threshold or affine layer behind it.

    ``channels``: computed at once, a divisor of the channels. ``pixels``: output pixels computed at
    once, some of a row or whole rows; ``input_pixels``: whole pixels of the input in a beat,
    likewise; more than 1 of either with all channels alone. ``weights``: where the weights live,
    ``window``: where the line buffer does. Cycles per ``pixels``: ``C / channels``.
    """

    choices: ClassVar[dict[str, tuple[str, ...]]] = {
        "weights": ("auto", "block", "logic"),
        "window": ("auto", "block", "distributed"),
    }
    channels: int = 1
    weights: str = "auto"
    window: str = "auto"
    pixels: int = 1
    input_pixels: int = 1

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

    def wide_variants(self, network: Network) -> "Iterator[DepthwiseStage]":
        """All combinations of ``axes``, and several pixels with all channels and with beats of the
        input that keep up.
        """
        yield from combinations(self, self.axes(network))
        x, y = network.types[network.node(self.layers[0]).inputs[0]], network.types[self.layers[0]]
        for pixels in pixel_counts(y)[1:]:
            beats = y.height * y.width // pixels
            enough = [n for n in pixel_counts(x) if x.height * x.width <= n * beats]
            for taken in enough[:TRIED]:
                yield replace(self, channels=x.channels, pixels=pixels, input_pixels=taken)

    def least_cycles(self, network: Network) -> int:
        """A beat a cycle."""
        return network.types[self.layers[0]].elements // (self.channels * self.pixels)

    def units(self, network: Network, limits: SizeLimits = MEASURED) -> list[tuple[str, Unit]]:
        """A window and the engine."""
        node = network.node(self.layers[0])
        x, layer = network.types[node.inputs[0]], node.layer
        if not isinstance(layer, DepthwiseConv2d):
            raise PlanError(f"layer {node.name!r} is no depthwise convolution")
        check_divides("channels", self.channels, x.channels, "the channels")
        self.check_pixels(x, network.types[self.layers[0]])
        window = WindowUnit.of(
            layer,
            x,
            channels=self.channels,
            folds=1,
            memory=self.window,
            pixels=self.pixels,
            input_pixels=self.input_pixels,
        )
        engine = DepthwiseUnit(
            layer=layer,
            input=x,
            channels=self.channels,
            post=self.post(network),
            memory=self.weights,
            pixels=self.pixels,
        )
        return [("window", window), ("depthwise", engine)]

    def check_pixels(self, x: TensorType, y: TensorType) -> None:
        """Raise PlanError where numbers of pixels do not fit the tensors or the channels."""
        check_pixels("pixels", self.pixels, y, "the output pixels of a row")
        check_pixels("input_pixels", self.input_pixels, x, "the input pixels of a row")
        for name in ("pixels", "input_pixels"):
            if getattr(self, name) > 1 and self.channels != x.channels:
                raise PlanError(
                    f"{name}={getattr(self, name)} needs all {x.channels} channels at once, not "
                    f"channels={self.channels}"
                )
