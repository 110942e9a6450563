"""Convolutions and linear layers on the direct XNOR-popcount engine."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import gcd
from typing import ClassVar

from subbit.hw.contract.unit import Lanes, Unit
from subbit.hw.dot.dot import DotUnit
from subbit.hw.dot.popcount import FORMS, PORTABLE
from subbit.hw.lookup.block_lookup import FILLS
from subbit.hw.streams.replay import ReplayUnit
from subbit.hw.streams.width import DownsizeUnit
from subbit.hw.window.border import Border, border_of
from subbit.hw.window.window import WindowUnit
from subbit.sw.errors import PlanError
from subbit.sw.ir.layers.affine import Affine
from subbit.sw.ir.layers.conv2d import Conv2d, Padding
from subbit.sw.ir.layers.linear import Linear
from subbit.sw.ir.layers.threshold import Threshold
from subbit.sw.ir.network import Network, Node
from subbit.sw.ir.planes import branches_of
from subbit.sw.ir.types import Encoding, TensorType
from subbit.sw.ir.weights import CodebookWeights, TiledWeights, Weights
from subbit.sw.lower.engines.lookup import (
    BLOCK,
    LOOKUP,
    lookup_cycles,
    lookup_units,
    lookup_variants,
)
from subbit.sw.lower.engines.shared_rows import SHARED, shared_cycles, shared_units, shared_variants
from subbit.sw.lower.stages.order import order_units
from subbit.sw.lower.stages.stage import Stage, check_divides, divisors

__all__ = ["DotStage"]

MOST_PIXELS = 256  # at once that are worth trying


@dataclass(frozen=True)
class DotStage(Stage):
    """A convolution or linear layer, with the threshold or affine layer behind it.

    ``pe``: outputs computed at once, a divisor of the outputs. ``simd``: inputs consumed a cycle, a
    divisor of N, the weights of one output; with a codebook a multiple of the kernel's size, with a
    tile a divisor of the tile. ``weights``: where the weights live (``block`` RAM, ``logic``, or
    ``auto`` by depth). ``pixels``: output pixels of a row computed at once with the same weights, a
    divisor of the row. ``blanks``: how zeros around a bipolar tensor are told from codes: ``masks``
    beside them, or ``sums`` over the weights beyond the edge, one for each output and way to lie
    there; ``auto`` takes sums where the counters are a vendor's cells. ``popcount``: the counters'
    form, ``portable`` or the fabric for whose carry chains they are built.

    Of inputs of M bits and weights of K bit planes ``x_branches``, a divisor of M, and
    ``w_branches``, a divisor of K, are processed at once; 0, the default, is all of them. Cycles
    per ``pixels``: ``(outputs / pe) * (N / simd) * (M / x_branches) * (K / w_branches)``.

    ``engine``: ``direct``; or, for codebook convolutions, ``lookup`` (``pe`` read ports, ``dot9``
    units that fill tables, ``simd`` 9) or ``block_lookup`` (``simd / 9`` block RAMs, each with the
    tables of ``pixels`` pixels, those of ``dot9`` channels filled at once, ``pe`` 1; ``fill`` with
    counts of carry chains, ``logic``, or of tables in ``block`` RAM); see Lookup and BlockLookup
    for their cycles. ``shared_rows``, for tiled layers whose p repeats divide the
    outputs: ``pe`` of the ``outputs / p`` distinct rows at once, each computed once.
    """

    choices: ClassVar[dict[str, tuple[str, ...]]] = {
        "engine": ("direct", LOOKUP, BLOCK, SHARED),
        "fill": FILLS,
        "weights": ("auto", "block", "logic"),
        "window": ("auto", "block", "distributed"),
        "blanks": ("auto", "masks", "sums"),
        "popcount": FORMS,
    }
    engine: str = "direct"
    pe: int = 1
    simd: int = 1
    pixels: int = 1
    weights: str = "auto"
    window: str = "auto"
    popcount: str = PORTABLE
    x_branches: int = 0
    w_branches: int = 0
    blanks: str = "auto"
    dot9: int = 1
    fill: str = "logic"

    @classmethod
    def absorbs(cls, network: Network, node: Node, follower: Node) -> bool:
        """A threshold or affine layer right behind the dot products belongs to their engine."""
        dot = isinstance(node.layer, Conv2d | Linear)
        return dot and isinstance(follower.layer, Threshold | Affine)

    @classmethod
    def default(cls, network: Network, layers: tuple[str, ...], lanes: int) -> "DotStage":
        """One output at a time; a kernel (of the least channels that fit) or a few inputs at a
        time.
        """
        stage = cls(layers=layers)
        return replace(stage, simd=stage.simds(network)[0])

    def with_popcount(self, form: str) -> "DotStage":
        """The stage with XNOR-popcounts of that form."""
        return replace(self, popcount=form)

    def layer(self, network: Network) -> Conv2d | Linear:
        """The layer whose dot products the stage computes."""
        layer = network.node(self.layers[0]).layer
        if not isinstance(layer, Conv2d | Linear):
            raise PlanError(f"layer {self.layers[0]!r} is no convolution or linear layer")
        return layer

    def simds(self, network: Network) -> list[int]:
        """The values of ``simd`` worth trying, ascending: whole kernels of some channels, or any
        divisor.
        """
        layer = self.layer(network)
        weights = layer.weights
        size = layer.kernel**2 if isinstance(layer, Conv2d) else 1
        planes = [plane for _, plane in branches_of(weights)]
        tile = gcd(*(plane.tile.size for plane in planes if isinstance(plane, TiledWeights)))
        whole = [size * c for c in divisors(weights.row_length // size)]
        fitting = [simd for simd in whole if tile % simd == 0]
        return fitting or [simd for simd in divisors(weights.row_length) if tile % simd == 0]

    def axes(self, network: Network) -> dict[str, Sequence[int | str]]:
        """Folding, pixels at once, where weights live, and branches all at once or one by one."""
        layer = self.layer(network)
        width = network.types[self.layers[0]].width
        bits = network.types[network.node(self.layers[0]).inputs[0]].bits
        planes = len(branches_of(layer.weights))
        few = [pixels for pixels in divisors(width) if pixels <= MOST_PIXELS]
        return {
            "pe": divisors(layer.weights.shape[0]),
            "simd": self.simds(network),
            "pixels": few if isinstance(layer, Conv2d) else [1],
            "weights": ["block", "logic"],
            "x_branches": [0, 1] if bits > 1 else [0],
            "w_branches": [0, 1] if planes > 1 else [0],
        }

    def variants(self, network: Network) -> "Iterator[Stage]":
        """Those of the direct engine, and of engines that reuse dot products where there are
        any.
        """
        yield from super().variants(network)
        yield from lookup_variants(self, network)
        yield from shared_variants(self, network)

    def least_cycles(self, network: Network) -> int:
        """The engine's; at best a whole pixel leaves in a cycle."""
        if self.engine == SHARED:
            return shared_cycles(self, network)
        if self.engine != "direct":
            return lookup_cycles(self, network)
        layer, y = self.layer(network), network.types[self.layers[0]]
        words = layer.weights.row_length // self.simd * self.plane_passes(network)
        if self.x_branches:
            words *= network.types[network.node(self.layers[0]).inputs[0]].bits // self.x_branches
        passes = layer.weights.shape[0] // self.pe
        return y.height * y.width // self.pixels * max(passes * words, self.pixels)

    def plane_passes(self, network: Network) -> int:
        """How often a vector is taken for each pass over the outputs."""
        planes = len(branches_of(self.layer(network).weights))
        return planes // (self.w_branches or planes)

    def check(self, network: Network) -> None:
        """Raise PlanError where a setting does not fit the layer."""
        layer = self.layer(network)
        weights = layer.weights
        row = network.types[self.layers[0]].width
        check_divides("pixels", self.pixels, row, "the output pixels of a row")
        check_divides("pe", self.pe, weights.shape[0], "the layer's outputs")
        check_divides("simd", self.simd, weights.row_length, "the weights of one output")
        planes = [plane for _, plane in branches_of(weights)]
        bits = network.types[network.node(self.layers[0]).inputs[0]].bits
        check_divides("x_branches", self.x_branches or bits, bits, "the bits of an input")
        count = len(planes)
        check_divides("w_branches", self.w_branches or count, count, "the weights' bit planes")
        for plane in planes:
            self.check_plane(plane)

    def check_plane(self, plane: Weights) -> None:
        """Raise PlanError where ``simd`` does not fit the encoding of a bit plane."""
        if isinstance(plane, CodebookWeights) and self.simd % plane.codewords[0].size:
            raise PlanError(
                f"simd={self.simd} must be a multiple of {plane.codewords[0].size}: "
                "a codebook layer consumes whole kernels"
            )
        if isinstance(plane, TiledWeights):
            check_divides("simd", self.simd, plane.tile.size, "the bits of the tile")

    def units(self, network: Network) -> list[tuple[str, Unit]]:
        """A window (or a replay buffer), the engine, and the pixels it gives put in their order."""
        if self.engine == SHARED:
            return shared_units(self, network)
        if self.engine != "direct":
            return lookup_units(self, network)
        self.check(network)
        post = network.node(self.layers[1]).layer if len(self.layers) > 1 else None
        assert post is None or isinstance(post, Threshold | Affine)
        return self.dot_units(network, self.layer(network), post)

    def dot_units(
        self, network: Network, layer: Conv2d | Linear, post: Threshold | Affine | None
    ) -> list[tuple[str, Unit]]:
        """The units for a layer in place of the stage's own, and what follows on its outputs."""
        node = network.node(self.layers[0])
        x, y = network.types[node.inputs[0]], network.types[node.name]
        folds = layer.weights.shape[0] // self.pe * self.plane_passes(network)
        if isinstance(layer, Conv2d):
            feed = self.window_units(layer, x, folds)
        else:
            feed = self.replay_units(x, folds)
        # A window right in front of the engine; a slice between them would have to know of late.
        window = feed[0][1] if len(feed) == 1 and isinstance(feed[0][1], WindowUnit) else None
        dot = DotUnit(
            weights=layer.weights,
            encoding=x.encoding,
            bits=x.bits,
            masked=isinstance(layer, Conv2d) and is_masked(layer, x) and not self.sums_padding,
            border=self.border(layer, x),
            pe=self.pe,
            simd=self.simd,
            pixels=self.pixels,
            vectors=y.height * y.width // self.pixels,
            post=post,
            memory=self.weights,
            form=self.popcount,
            x_branches=self.x_branches,
            w_branches=self.w_branches,
            payload_delay=2 if window and window.holds else 0,
        )
        if window and dot.i_payload_delay:
            feed = [("window", replace(window, payload_delay=dot.i_payload_delay))]
        cycles = dot.passes * dot.beats * dot.bit_steps
        order = order_units(dot.o, self.pixels, dot.passes, dot.vectors, cycles)
        return [*feed, ("dot", dot), *order]

    @property
    def sums_padding(self) -> bool:
        """Whether zero padding is told by sums."""
        return self.blanks == "sums" or (self.blanks == "auto" and self.popcount != PORTABLE)

    def border(self, layer: Conv2d | Linear, x: TensorType) -> Border | None:
        """Where windows lie beyond the edges, if no masks tell that."""
        if isinstance(layer, Linear) or not is_masked(layer, x) or not self.sums_padding:
            return None
        return border_of((x.height, x.width), layer.kernel, layer.stride, self.pixels)

    def window_units(self, layer: Conv2d, x: TensorType, folds: int) -> list[tuple[str, Unit]]:
        """The sliding window, cut to ``simd`` lanes."""
        size = layer.kernel**2
        channels = self.simd // gcd(self.simd, size)
        check_divides(
            "channels at a time (simd / kernel size)", channels, x.channels, "the channels"
        )
        window = WindowUnit(
            input=x,
            kernel=layer.kernel,
            stride=layer.stride,
            padding=Padding.MINUS if self.border(layer, x) else layer.padding,
            channels=channels,
            folds=folds,
            memory=self.window,
            pixels=self.pixels,
        )
        ratio = channels * size // self.simd
        if ratio == 1:
            return [("window", window)]
        if self.pixels > 1:
            raise PlanError(
                f"pixels={self.pixels} needs whole kernels: simd must be a multiple of {size}, "
                f"not {self.simd}"
            )
        return [("window", window), ("slice", DownsizeUnit(window.o, ratio, window.o_beats))]

    def replay_units(self, x: TensorType, folds: int) -> list[tuple[str, Unit]]:
        """The buffer that repeats the vector for every pass over the outputs."""
        if folds == 1:
            return []
        return [("replay", ReplayUnit(Lanes.of(x, self.simd), x.channels // self.simd, folds, 1))]


def is_masked(layer: Conv2d, x: TensorType) -> bool:
    """Whether windows carry a mask: where zeros surround a tensor without a code for zero."""
    return layer.padding is Padding.ZERO and x.encoding is Encoding.BIPOLAR
