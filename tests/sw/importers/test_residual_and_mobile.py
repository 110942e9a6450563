"""Small networks built as the published 4-bit ones are: MobileNetV1 and ResNet, of QONNX."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from subbit.sw.importers.api import check_import, import_file
from tests.sw.importers.onnx_graphs import GraphMaker

Draw = np.random.Generator
SIDE, BITS = 16, 4


def weights(g: GraphMaker, draw: Draw, *shape: int, bits: int = BITS) -> str:
    """Weights with a scale for each output that is no power of two."""
    numbers = draw.normal(size=shape)
    sides = (shape[0], *[1] * (len(shape) - 1))
    scale = np.abs(numbers).reshape(shape[0], -1).max(1) / (2 ** (bits - 1) - 1)
    return g.quant(g.const(numbers), scale.reshape(sides), bits, narrow=1)


def conv(
    g: GraphMaker, draw: Draw, x: str, shape: tuple[int, ...], stride: int = 1, groups: int = 1
) -> str:
    """A convolution as large as its input, but for the stride, and its norm."""
    bits = 8 if shape[1] == 3 else BITS
    x = g.node(
        "Conv",
        x,
        weights(g, draw, *shape, bits=bits),
        kernel_shape=list(shape[2:]),
        strides=[stride, stride],
        pads=[shape[2] // 2] * 4,
        group=groups,
    )
    return g.norm(x, shape[0], draw, flips=False)


def activation(g: GraphMaker, x: str, scale: float) -> str:
    """ReLU, quantised."""
    return g.quant(g.node("Relu", x), scale, BITS, signed=0)


def ended(g: GraphMaker, draw: Draw, x: str, channels: int) -> str:
    """A linear layer with a bias of 32 bits straight behind the mean."""
    bias = g.quant(g.const(draw.normal(size=10)), 0.001, 32)
    return g.node("Gemm", g.node("Flatten", x), weights(g, draw, 10, channels), bias, transB=1)


def mobile(g: GraphMaker, draw: Draw) -> str:
    """Depthwise and pointwise convolutions, and an average over the whole map."""
    x = g.quant("x", 1 / 255, 8, signed=0)
    x = activation(g, conv(g, draw, x, (8, 3, 3, 3), stride=2), 0.13)
    for given, made, stride in ((8, 16, 1), (16, 16, 2)):
        x = activation(g, conv(g, draw, x, (given, 1, 3, 3), stride, given), 0.21)
        x = activation(g, conv(g, draw, x, (made, given, 1, 1)), 0.17)
    x = g.node("AveragePool", x, kernel_shape=[4, 4], strides=[4, 4])
    return ended(g, draw, x, 16)


def residual(g: GraphMaker, draw: Draw) -> str:
    """Blocks whose sums are of one scale, with a convolution in the shortcut of the second."""
    x = activation(g, conv(g, draw, g.quant("x", 1 / 255, 8, signed=0), (8, 3, 3, 3)), 0.11)
    for given, made, stride in ((8, 8, 1), (8, 16, 2)):
        y = activation(g, conv(g, draw, x, (made, given, 3, 3), stride), 0.19)
        y = g.quant(conv(g, draw, y, (made, made, 3, 3)), 0.11, BITS)
        if made != given:
            x = g.quant(conv(g, draw, x, (made, given, 1, 1), stride), 0.11, BITS)
        x = activation(g, g.node("Add", y, x), 0.11)
    return ended(g, draw, g.node("GlobalAveragePool", x), 16)


@pytest.mark.parametrize("build", [mobile, residual], ids=lambda build: build.__name__)
@pytest.mark.parametrize("seed", range(3))
def test_a_network_of_the_kind_agrees(
    build: Callable[[GraphMaker, Draw], str], seed: int, tmp_path: Path
) -> None:
    g = GraphMaker(1, 3, SIDE, SIDE)
    path = g.save(build(g, np.random.default_rng(seed)), tmp_path / "net.onnx")
    agreement = check_import(import_file(path, dataset="folder"), images=8)["agreement"]
    assert agreement["agrees"]
    assert (agreement["elements_apart"], agreement["classes_apart"]) == (0, 0)
    # Only the logits and what lies at a threshold are left open.
    assert agreement["elements_rounded"] <= 8 * 10 + agreement["elements"] // 1000
