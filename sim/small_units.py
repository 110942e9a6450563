"""Small units with random weights, for simulation and tests."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from subbit.hw.contract.unit import Beats, Unit
from subbit.hw.dot.depthwise import DepthwiseUnit
from subbit.hw.dot.dot import DotUnit
from subbit.hw.dot.products import ProductsUnit
from subbit.hw.dot.shared_rows import SharedRowsUnit
from subbit.hw.lookup.block_lookup import BlockLookupUnit
from subbit.hw.lookup.lookup import LookupUnit
from subbit.hw.unrolled.folded import FoldedUnit
from subbit.hw.unrolled.unrolled import UnrolledUnit
from subbit.hw.window.window import WindowUnit
from subbit.sim.design import WholePipeline
from subbit.sw.ir.layer import Layer
from subbit.sw.ir.layers.add import Add
from subbit.sw.ir.layers.affine import Affine
from subbit.sw.ir.layers.concat import Concat
from subbit.sw.ir.layers.conv2d import Conv2d, Padding
from subbit.sw.ir.layers.depthwiseconv2d import DepthwiseConv2d
from subbit.sw.ir.layers.flatten import Flatten
from subbit.sw.ir.layers.linear import Linear
from subbit.sw.ir.layers.threshold import Threshold
from subbit.sw.ir.network import INPUT, Network, Node
from subbit.sw.ir.planes import PlanesWeights
from subbit.sw.ir.random_weights import (
    random_binary,
    random_codebook,
    random_planes,
    random_threshold,
    random_tiled,
)
from subbit.sw.ir.types import Encoding, TensorType
from subbit.sw.ir.weights import BinaryWeights, CodebookWeights, Weights
from subbit.sw.ir.window import Side
from subbit.sw.lower.pipeline import Pipeline
from subbit.sw.lower.plan import Plan
from subbit.sw.lower.stages.add import AddStage
from subbit.sw.lower.stages.concat import ConcatStage
from subbit.sw.lower.stages.dot import DotStage
from subbit.sw.lower.stages.threshold import ThresholdStage

__all__ = [
    "BIPOLAR",
    "RNG",
    "UNSIGNED",
    "affine",
    "beside",
    "bits",
    "block_lookup",
    "codebook",
    "depthwise",
    "dot",
    "lookup",
    "plain",
    "planes",
    "products",
    "random_beats",
    "shared_rows",
    "thresholds",
    "tiled",
    "twice",
    "unrolled",
    "wide_network",
    "window",
]

UNSIGNED, BIPOLAR = Encoding.UNSIGNED, Encoding.BIPOLAR
RNG = np.random.default_rng


def bits(seed: int, *shape: int) -> Any:
    """Random bits."""
    return RNG(seed).integers(0, 2, shape, np.uint8)


def plain(outputs: int, length: int) -> Weights:
    """Random binary weights of a linear layer."""
    return random_binary(RNG(outputs), (outputs, length))


def codebook(outputs: int, inputs: int, tau: int) -> CodebookWeights:
    """Random 3x3 codebook weights."""
    return random_codebook(RNG(outputs), outputs, inputs, tau)


def tiled(outputs: int, length: int, scales: Sequence[int]) -> Weights:
    """Random tiled weights of a linear layer, a repeat for each scale."""
    weights = random_tiled(RNG(outputs), (outputs, length), len(scales))
    return replace(weights, scales=np.array(scales, np.int64))


def planes(outputs: int, count: int) -> Weights:
    """Random weights of several bits for 2 channels of 3x3: codebooks and plain planes in turn."""
    shape = (outputs, 2, 3, 3)
    kinds: list[Callable[[int], Weights]] = [
        lambda k: codebook(outputs, 2, 2),
        lambda k: random_binary(RNG(k), shape),
    ]
    return PlanesWeights(tuple(kinds[k % 2](k) for k in range(count)))


def thresholds(channels: int, levels: int, reach: int) -> Threshold:
    """Random thresholds in ``-reach..reach``, both polarities."""
    return random_threshold(RNG(channels), channels, levels, reach)


def affine(channels: int) -> Affine:
    """Random scales and offsets."""
    scale, offset = RNG(channels).integers(-99, 100, (2, channels))
    return Affine(scale, offset)


def window(
    *shape: int, code: tuple[Encoding, int] = (BIPOLAR, 1), kernel: Side = 3, **options: Any
) -> WindowUnit:
    """Windows over codes of this shape."""
    settings: dict[str, Any] = {"stride": 1, "padding": Padding.NONE, "channels": 1, "folds": 1}
    height, width, channels = shape
    kind = TensorType.codes(height, width, channels, code[1], code[0])
    return WindowUnit(input=kind, kernel=kernel, **(settings | options))


def dot(
    weights: Weights, encoding: Encoding, bits: int, pe: int, simd: int, **more: Any
) -> DotUnit:
    """An engine for three vectors a frame."""
    settings: dict[str, Any] = {"masked": False, "vectors": 3}
    return DotUnit(
        weights=weights, encoding=encoding, bits=bits, pe=pe, simd=simd, **(settings | more)
    )


def products(
    outputs: int, length: int, weight_bits: int, encoding: Encoding, bits: int, **more: Any
) -> ProductsUnit:
    """An engine of multipliers for three vectors a frame, of random weights."""
    weights = random_planes(RNG(30), weight_bits, (outputs, length))
    settings: dict[str, Any] = {"masked": False, "vectors": 3}
    return ProductsUnit(weights=weights, encoding=encoding, bits=bits, **(settings | more))


def lookup(outputs: int, channels: int, tau: int, **more: Any) -> LookupUnit:
    """A lookup engine with thresholds."""
    weights = codebook(outputs, channels, tau)
    ends = thresholds(outputs, 1, 20)
    return LookupUnit(
        weights=weights, encoding=BIPOLAR, bits=1, masked=False, vectors=3, post=ends, **more
    )


def block_lookup(outputs: int, channels: int, tau: int, **more: Any) -> BlockLookupUnit:
    """A block-RAM lookup engine with thresholds."""
    weights = codebook(outputs, channels, tau)
    ends = thresholds(outputs, 1, 20)
    return BlockLookupUnit(
        weights=weights, encoding=BIPOLAR, bits=1, masked=False, vectors=3, post=ends, **more
    )


def shared_rows(
    rows: int, length: int, repeats: int, pe: int, simd: int, at_once: int = 1, pixels: int = 1
) -> SharedRowsUnit:
    """An engine of shared rows, its sums counted from 0 up, with thresholds."""
    ones = np.ones(rows, np.int64)
    rest = {"post": Affine(ones, length * ones), "pixels": pixels}
    inner = dot(plain(rows, length), BIPOLAR, 1, pe, simd, **rest)
    ends = thresholds(rows * repeats, 1, 2 * length)
    return SharedRowsUnit(dot=inner, repeats=repeats, post=ends, at_once=at_once)


def unrolled(weights: Weights, encoding: Encoding, bits: int, **more: Any) -> UnrolledUnit:
    """A layer whose weights are wires, for three vectors a frame, folded with a ``fold``."""
    kind = FoldedUnit if "fold" in more else UnrolledUnit
    return kind(weights=weights, encoding=encoding, bits=bits, **({"vectors": 3} | more))


def depthwise(
    channels: int, code: tuple[Encoding, int], padding: str, at_once: int, pixels: int = 1
) -> DepthwiseUnit:
    """A 3x3 depthwise convolution with thresholds of two bits."""
    layer = DepthwiseConv2d(BinaryWeights(bits(channels, channels, 1, 3, 3)), 1, Padding(padding))
    kind = TensorType.codes(4, 5, channels, code[1], code[0])
    ends = thresholds(channels, 3, 9)
    return DepthwiseUnit(layer=layer, input=kind, channels=at_once, post=ends, pixels=pixels)


def twice(depths: tuple[int, int], lanes: int = 2) -> WholePipeline:
    """A fork whose branches are added, behind queues of these depths."""
    kind = TensorType.codes(3, 4, 4, 3)
    network = Network("twice", kind, (Node("add", Add(0, 2), (INPUT, INPUT)),))
    queues = tuple(zip(("input>add", "input>add#2"), depths, strict=True))
    return WholePipeline(
        Pipeline(network, Plan(network.digest, (AddStage(("add",), 0, lanes),), queues))
    )


def beside(lanes: int) -> WholePipeline:
    """An image and its thresholds as codes of another width, side by side."""
    kind = TensorType.codes(3, 4, 4, 3)
    layers: dict[str, tuple[Layer, tuple[str, ...]]] = {
        "sum": (Add(), (INPUT, INPUT)),
        "act": (thresholds(4, 1, 9), ("sum",)),
        "both": (Concat(), ("act", INPUT)),
    }
    nodes = tuple(Node(name, *row) for name, row in layers.items())
    network = Network("beside", kind, nodes)
    stages = (
        AddStage(("sum",), 0, 2),
        ThresholdStage(("act",), 0, 2),
        ConcatStage(("both",), 0, lanes),
    )
    return WholePipeline(Pipeline(network, Plan(network.digest, stages)))


def wide_network() -> WholePipeline:
    """A convolution of whole rows, one of shared rows, and a linear layer: 5 cycles a frame."""
    x = TensorType.codes(4, 4, 2, 1, BIPOLAR)
    first = Conv2d(random_binary(RNG(1), (4, 2, 3, 3)), 1, Padding.ZERO)
    second = Conv2d(random_tiled(RNG(2), (8, 4, 3, 3), 4), 1, Padding.NONE)
    layers: dict[str, Layer] = {"conv1": first, "act1": thresholds(4, 1, 6)}
    layers |= {"conv2": second, "act2": thresholds(8, 1, 9), "flatten": Flatten()}
    layers["fc"] = Linear(plain(10, 32))
    network = Network.chain("wide", x, layers)
    rows: dict[str, Any] = {"pixels": 8, "output_pixels": 8, "input_pixels": 4, "compare": "logic"}
    shared: dict[str, Any] = {
        "engine": "shared_rows",
        "pixels": 2,
        "output_pixels": 2,
        "input_pixels": 4,
    }
    stages = (
        DotStage(("conv1", "act1"), pe=4, simd=18, blanks="sums", **rows),
        DotStage(("conv2", "act2"), pe=1, simd=36, own=(("repeats", 4),), **shared),
        DotStage(("fc",), pe=10, simd=32),
    )
    return WholePipeline(Pipeline(network, Plan(network.digest, stages)))


def random_beats(unit: Unit, frames: int, seed: int) -> Beats:
    """Input beats of some frames, from the whole range that the unit's input may have."""
    low, high = unit.i_range
    return RNG(seed).integers(low, high + 1, (frames * unit.i_beats, unit.i.lanes), np.int64)
