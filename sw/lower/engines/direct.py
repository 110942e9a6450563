"""The direct engine: XNOR-popcounts of every weight with every input."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import gcd
from typing import ClassVar

from subbit.hw.contract.limits import SizeLimits
from subbit.hw.contract.unit import Lanes, Unit
from subbit.hw.dot.dot import DotUnit
from subbit.hw.dot.popcount import PORTABLE
from subbit.hw.post.raw import Post
from subbit.hw.streams.replay import ReplayUnit
from subbit.hw.streams.width import DownsizeUnit
from subbit.hw.window.border import Border, border_of
from subbit.hw.window.window import WindowUnit
from subbit.sw.errors import PlanError
from subbit.sw.ir.layers.conv2d import Conv2d, Padding
from subbit.sw.ir.layers.linear import Linear
from subbit.sw.ir.network import Network
from subbit.sw.ir.planes import branches_of
from subbit.sw.ir.types import TensorType
from subbit.sw.ir.weights import CodebookWeights, TiledWeights, Weights
from subbit.sw.lower.engines.engine import (
    COMMON,
    Engine,
    EngineStage,
    Setting,
    groups_of,
    is_masked,
)
from subbit.sw.lower.engines.widths import (
    check_input_pixels,
    check_output_pixels,
    most_pixels,
    widened,
)
from subbit.sw.lower.stages.order import order_units
from subbit.sw.lower.stages.stage import check_divides, combinations, divisors

__all__ = [
    "SETTINGS",
    "DirectEngine",
    "check_plane",
    "check_window",
    "fed_dot",
    "group_cycles",
    "replay_units",
    "window_channels",
    "window_units",
]

RING_BITS = 128  # of a vector that is tried in registers

SETTINGS: Mapping[str, Setting] = {
    **COMMON,
    "window": Setting("auto", (*COMMON["window"].choices, "registers")),
    "x_branches": Setting(0),
    "w_branches": Setting(0),
    "blanks": Setting("auto", ("auto", "masks", "sums")),
    "compare": Setting("carry", ("carry", "logic")),
}


class DirectEngine(Engine):
    """Multiplies each input with each weight, ``pe * simd`` of them a cycle.

    ``pe``: outputs computed at once, a divisor of the outputs, of a convolution in groups of those
    of a group. ``simd``: inputs consumed a cycle, a
    divisor of N, the weights of one output; with a codebook a multiple of the kernel's size, with a
    tile a divisor of the tile. ``weights``: where the weights live (``block`` RAM, ``logic``, or
    ``auto`` by depth). ``pixels``: output pixels computed at once with the same weights, a divisor
    of the row, or whole rows, a divisor of the output's; ``output_pixels`` of them leave in a beat,
    ``input_pixels`` come in one, more than 1 with ``simd`` N alone. ``blanks``: how zeros around a
    bipolar tensor are told from codes: ``masks`` beside them, or ``sums`` over the weights beyond
    the edge, one for each output and way to lie there; ``auto`` takes sums where the counters are a
    vendor's cells. ``popcount``: the counters' form, ``portable`` or the fabric for whose carry
    chains they are built. ``compare``: how numbers are compared with thresholds that are constants,
    as where all outputs are computed at once: by ``carry`` chains, or in ``logic``, which takes a
    third of the cells. ``window``: where lines of a map, or the vector of a linear layer, stay
    while it is read again; ``registers`` are for vectors alone.

    Of inputs of M bits and weights of K bit planes ``x_branches``, a divisor of M, and
    ``w_branches``, a divisor of K, are processed at once; 0, the default, is all of them. Cycles
    per ``pixels``: ``(outputs / pe) * (N / simd) * (M / x_branches) * (K / w_branches)``.
    """

    name: ClassVar[str] = "direct"
    settings: ClassVar[Mapping[str, Setting]] = SETTINGS

    def variants(self, stage: EngineStage, network: Network) -> Iterator[EngineStage]:
        """Folding, pixels at once, where weights live, and branches all at once or one by one."""
        yield from combinations(stage, axes(stage, network))

    def wide_variants(self, stage: EngineStage, network: Network) -> Iterator[EngineStage]:
        """The same with whole rows at once, and widths of both ends that keep up."""
        wide = axes(stage, network) | {"pixels": most_pixels(stage, network)}
        for found in combinations(replace(stage, compare="logic"), wide):
            channels = window_channels(found, network)
            yield from widened(found, network, channels, group_cycles(found, network))

    def least_cycles(self, stage: EngineStage, network: Network) -> int:
        """Exactly those of the engine; at best a beat of ``output_pixels`` leaves in a cycle."""
        y = stage.dots(network)
        leaving = stage.pixels // stage.output_pixels
        return y.height * y.width // stage.pixels * max(group_cycles(stage, network), leaving)

    def check(self, stage: EngineStage, network: Network) -> None:
        """Raise PlanError where a setting does not fit the layer."""
        weights = stage.layer(network).weights
        check_window(stage, network)
        check_output_pixels(stage, network)
        whole = groups_of(stage, network) == 1
        outputs = "the layer's outputs" if whole else "the outputs of a group"
        check_divides("pe", stage.pe, stage.group_outputs(network), outputs)
        check_divides("simd", stage.simd, weights.row_length, "the weights of one output")
        planes = [plane for _, plane in branches_of(weights)]
        bits, count = stage.input(network).bits, len(planes)
        check_divides("x_branches", stage.x_branches or bits, bits, "the bits of an input")
        check_divides("w_branches", stage.w_branches or count, count, "the weights' bit planes")
        for plane in planes:
            check_plane(stage, plane)
        check_input_pixels(stage, network, window_channels(stage, network))

    def units(
        self, stage: EngineStage, network: Network, limits: SizeLimits
    ) -> list[tuple[str, Unit]]:
        """A window (or a replay buffer), the engine, and the pixels it gives put in their order."""
        self.check(stage, network)
        feed, dot = fed_dot(stage, network, limits, stage.layer(network), stage.post(network))
        order = order_units(
            *(dot.o, stage.pixels, dot.passes, dot.vectors, group_cycles(stage, network)),
            output_pixels=stage.output_pixels,
        )
        return [*feed, ("dot", dot), *order]


def axes(stage: EngineStage, network: Network) -> dict[str, Sequence[int | str]]:
    """The settings that the planner may choose, each with the values worth trying."""
    layer = stage.layer(network)
    row = stage.dots(network).width
    few = [pixels for pixels in most_pixels(stage, network) if pixels <= row]
    bits = layer.weights.row_length * stage.input(network).bits
    in_registers = isinstance(layer, Linear) and bits <= RING_BITS
    return {
        "pe": divisors(stage.group_outputs(network)),
        "simd": stage.simds(network),
        "pixels": few,
        "weights": ["block", "logic"],
        "window": ["auto", "registers"] if in_registers else ["auto"],
        "x_branches": [0, 1] if stage.input(network).bits > 1 else [0],
        "w_branches": [0, 1] if len(branches_of(layer.weights)) > 1 else [0],
    }


def check_window(stage: EngineStage, network: Network) -> None:
    """Raise PlanError for a map in registers."""
    if stage.window == "registers" and isinstance(stage.layer(network), Conv2d):
        raise PlanError(
            "window='registers' is for the vectors of linear layers; take 'auto', 'block' or "
            "'distributed' for the lines of a convolution"
        )


def group_cycles(stage: EngineStage, network: Network) -> int:
    """Cycles that the engine takes for ``pixels`` of its outputs."""
    weights = stage.layer(network).weights
    words = weights.row_length // stage.simd * plane_passes(stage, network)
    if stage.x_branches:
        words *= stage.input(network).bits // stage.x_branches
    return weights.shape[0] // stage.pe * words


def window_channels(stage: EngineStage, network: Network) -> int:
    """Channels that the window takes at a time: the least of which ``simd`` is a part."""
    layer = stage.layer(network)
    size = layer.window.size if isinstance(layer, Conv2d) else 1
    return stage.simd // gcd(stage.simd, size)


def plane_passes(stage: EngineStage, network: Network) -> int:
    """How often a vector is taken for each pass over the outputs."""
    planes = len(branches_of(stage.layer(network).weights))
    return planes // (stage.w_branches or planes)


def check_plane(stage: EngineStage, plane: Weights) -> None:
    """Raise PlanError where ``simd`` does not fit the encoding of a bit plane."""
    if isinstance(plane, CodebookWeights) and stage.simd % plane.codewords[0].size:
        raise PlanError(
            f"simd={stage.simd} must be a multiple of {plane.codewords[0].size}: "
            "a codebook layer consumes whole kernels"
        )
    if isinstance(plane, TiledWeights):
        check_divides("simd", stage.simd, plane.tile.size, "the bits of the tile")


def fed_dot(
    stage: EngineStage, network: Network, limits: SizeLimits, layer: Conv2d | Linear, post: Post
) -> tuple[list[tuple[str, Unit]], DotUnit]:
    """The engine for a layer in place of the stage's own, with what follows on its outputs, and the
    units in front of it.
    """
    x, y = stage.input(network), stage.dots(network)
    groups = layer.groups if isinstance(layer, Conv2d) else 1
    folds = layer.weights.shape[0] // groups // stage.pe * plane_passes(stage, network)
    if isinstance(layer, Conv2d):
        feed = window_units(stage, network, layer, folds)
    else:
        feed = replay_units(stage, x, folds)
    # A window right in front of the engine; a slice between them would have to know of late.
    window = feed[0][1] if len(feed) == 1 and isinstance(feed[0][1], WindowUnit) else None
    dot = DotUnit(
        weights=layer.weights,
        encoding=x.encoding,
        bits=x.bits,
        masked=is_masked(layer, x) and not sums_padding(stage),
        border=border(stage, layer, x),
        pe=stage.pe,
        simd=stage.simd,
        pixels=stage.pixels,
        vectors=y.height * y.width // stage.pixels,
        post=post,
        memory=stage.weights,
        form=stage.popcount,
        x_branches=stage.x_branches,
        w_branches=stage.w_branches,
        payload_delay=2 if window and window.holds else 0,
        limits=limits,
        span=None if x.is_code else x.value_range,
        known=stage.compare == "logic",
    )
    if window and dot.i_payload_delay:
        feed = [("window", replace(window, payload_delay=dot.i_payload_delay))]
    return feed, dot


def sums_padding(stage: EngineStage) -> bool:
    """Whether zero padding is told by sums."""
    return stage.blanks == "sums" or (stage.blanks == "auto" and stage.popcount != PORTABLE)


def border(stage: EngineStage, layer: Conv2d | Linear, x: TensorType) -> Border | None:
    """Where windows lie beyond the edges, if no masks tell that."""
    if isinstance(layer, Linear) or not is_masked(layer, x) or not sums_padding(stage):
        return None
    return border_of((x.height, x.width), layer.window, stage.pixels)


def window_units(
    stage: EngineStage, network: Network, layer: Conv2d, folds: int
) -> list[tuple[str, Unit]]:
    """The sliding window, cut to ``simd`` lanes."""
    x = stage.input(network)
    size, channels = layer.window.size, window_channels(stage, network)
    group = x.channels // layer.groups
    check_divides("channels at a time (simd / kernel size)", channels, group, "the channels")
    window = WindowUnit.of(
        layer,
        x,
        padding=Padding.MINUS if border(stage, layer, x) else layer.padding,
        channels=channels,
        folds=folds,
        memory=stage.window,
        pixels=stage.pixels,
        input_pixels=stage.input_pixels,
    )
    ratio = channels * size // stage.simd
    if ratio == 1:
        return [("window", window)]
    if stage.pixels > 1:
        raise PlanError(
            f"pixels={stage.pixels} needs whole kernels: simd must be a multiple of {size}, "
            f"not {stage.simd}"
        )
    return [
        ("window", window),
        ("slice", DownsizeUnit(element=window.o, ratio=ratio, beats=window.o_beats)),
    ]


def replay_units(stage: EngineStage, x: TensorType, folds: int) -> list[tuple[str, Unit]]:
    """The buffer that repeats the vector for every pass over the outputs."""
    if folds == 1:
        return []
    return [
        (
            "replay",
            ReplayUnit(
                element=Lanes.of(x, stage.simd),
                words=x.channels // stage.simd,
                folds=folds,
                vectors=1,
                memory=stage.window,
            ),
        )
    ]
