"""ONNX and QONNX graphs against qonnx's executor: every layer, every operator."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static

from subbit.sw.importers.api import import_file
from subbit.sw.ir import load_network, save_network
from tests.sw.importers.onnx_graphs import GraphMaker, checked

Draw = np.random.Generator


def signs(draw: Draw, *shape: int) -> np.ndarray:
    """Random -1 and +1."""
    return draw.choice([-1.0, 1.0], shape)


def head(g: GraphMaker, x: str, inputs: int, draw: Draw, outputs: int = 5) -> str:
    """A binary linear layer as the network's end."""
    return g.node("MatMul", x, g.bipolar(g.const(draw.normal(size=(inputs, outputs)))))


def conv(g: GraphMaker, x: str, weights: str, **attributes: object) -> str:
    """A convolution with a 3x3 kernel unless said otherwise."""
    return g.node("Conv", x, weights, **{"kernel_shape": [3, 3], **attributes})


def flat(g: GraphMaker, x: str) -> str:
    """Flatten."""
    return g.node("Flatten", x, axis=1)


def mlp(g: GraphMaker, draw: Draw) -> str:
    """Bipolar weights and activations, batch norms that flip, a mean that all logits share."""
    x = g.bipolar(g.node("Sub", g.node("Mul", "x", g.const(2.0)), g.const([1.0])))
    x = g.node("MatMul", flat(g, x), g.bipolar(g.const(draw.normal(size=(64, 12)))))
    x = g.bipolar(g.norm(x, 12, draw))
    x = head(g, x, 12, draw)
    return g.node("Div", g.node("Sub", x, g.const([0.7])), g.const([3.1]))


def raw_pixels(g: GraphMaker, draw: Draw) -> str:
    """No quantiser at the input: the pixels go into the first layer, less a mean."""
    x = g.node("Sub", "x", g.const(0.5))
    x = g.node("Gemm", flat(g, x), g.bipolar(g.const(draw.normal(size=(12, 64)))), transB=1)
    return head(g, g.bipolar(g.norm(x, 12, draw)), 12, draw)


def few_bits(g: GraphMaker, draw: Draw) -> str:
    """Weights of 4 bits with a scale an output, activations of 3 bits, unsigned behind a ReLU."""
    x = g.quant("x", 1 / 16, 4, signed=0)
    w = g.quant(g.const(draw.normal(size=(12, 64))), draw.uniform(0.1, 0.4, (12, 1)), 4)
    x = g.node("Gemm", flat(g, x), w, g.const(draw.normal(size=12)), transB=1)
    x = g.quant(g.node("Relu", g.norm(x, 12, draw)), 0.375, 3, signed=0)
    w = g.quant(g.const(draw.normal(size=(12, 5))), 0.25, 2, narrow=1)
    return g.node("MatMul", x, w)


def zero_points(g: GraphMaker, draw: Draw) -> str:
    """Zero points of input, weights and activations, none of them 0."""
    x = g.quant("x", 1 / 8, 3, zero=3.0, signed=0)
    w = g.quant(g.const(draw.normal(size=(64, 12))), 0.25, 3, zero=1.0)
    x = g.quant(g.node("MatMul", flat(g, x), w), 4.0, 4, zero=-2.0, signed=1)
    return g.node("Mul", head(g, x, 12, draw), g.const(0.125))


def channel_scales(g: GraphMaker, draw: Draw) -> str:
    """Scales for each output of the last layer, and a bias: an Affine layer."""
    x = g.bipolar(g.node("Sub", "x", g.const(0.5)))
    w = g.bipolar(g.const(draw.normal(size=(5, 64))), draw.uniform(0.5, 2, (5, 1)))
    return g.node("Gemm", flat(g, x), w, g.const(draw.normal(size=5)), transB=1)


def roundings(g: GraphMaker, draw: Draw) -> str:
    """Every rounding mode, on numbers that lie exactly between two levels."""
    x = flat(g, g.quant("x", 1.0, 1, signed=0))
    for mode in ("ROUND", "FLOOR", "CEIL", "UP", "DOWN", "HALF_UP", "HALF_DOWN"):
        w = g.const(signs(draw, 64 if mode == "ROUND" else 12, 12))
        x = g.quant(g.node("MatMul", x, w), 4.0, 3, mode=mode, narrow=int(mode == "UP"))
    return head(g, x, 12, draw)


def trunc(g: GraphMaker, draw: Draw) -> str:
    """Trunc of sums, as an average pooling of Brevitas has it."""
    x = g.quant("x", 1 / 4, 2, signed=0)
    x = g.node("AveragePool", x, kernel_shape=[2, 2], strides=[2, 2])
    x = g.node("Mul", x, g.const(4.0))
    parameters = [g.const(v) for v in (1 / 4, 0.0, 4.0, 2.0)]
    x = g.node("Trunc", x, *parameters, rounding_mode="FLOOR")
    return head(g, flat(g, x), 16, draw)


def trunc_to_scale(g: GraphMaker, draw: Draw) -> str:
    """Trunc in its second version: the scale behind it is given, not the width before it."""
    g.qonnx = 2
    x = g.quant("x", 1 / 4, 2, signed=0)
    x = g.node("AveragePool", x, kernel_shape=[2, 2], strides=[2, 2])
    x = g.node("Mul", x, g.const(4.0))
    parameters = [g.const(v) for v in (1 / 4, 0.0, 4.0, 1.0, 2.0)]
    x = g.node("Trunc", x, *parameters, rounding_mode="FLOOR", signed=0, narrow=0)
    return head(g, flat(g, x), 16, draw)


def clipped(g: GraphMaker, draw: Draw) -> str:
    """HardTanh (Clip), LeakyRelu, PRelu and Tanh before quantisers; constants on either side."""
    x = flat(g, g.bipolar(g.node("Sub", "x", g.const(0.5))))
    x = g.node("MatMul", x, g.const(signs(draw, 64, 12)))
    x = g.node("Clip", g.node("Div", x, g.const(5.0)), g.const(-1.0), g.const(1.0))
    x = g.node("Clip", x, "", g.const(0.9))
    x = g.node("MatMul", g.quant(x, 1 / 7, 4, narrow=1), g.const(signs(draw, 12, 12)))
    x = g.quant(g.node("PRelu", x, g.const(draw.uniform(0, 1, 12))), 0.5, 4)
    x = g.node("MatMul", x, g.const(signs(draw, 12, 12)))
    x = g.quant(g.node("LeakyRelu", g.node("Sub", g.const(1.0), x), alpha=0.1), 0.5, 3)
    x = g.node("MatMul", x, g.const(signs(draw, 12, 12)))
    return head(g, g.quant(g.node("Tanh", x), 0.25, 3), 12, draw)


def images(g: GraphMaker, draw: Draw) -> str:
    """Convolutions with zero padding, pooling before and behind the quantiser, a transposition."""
    x = conv(g, "x", g.const(signs(draw, 6, 1, 3, 3)), pads=[1] * 4)
    x = g.bipolar(g.norm(g.node("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2]), 6, draw))
    w = g.quant(g.const(draw.normal(size=(6, 6, 3, 3))), draw.uniform(0.2, 1, (6, 1, 1, 1)), 3)
    x = g.norm(conv(g, x, w, pads=[1] * 4), 6, draw)
    x = g.quant(g.node("Relu", x), 0.5, 2, signed=0)
    x = g.node("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
    x = g.node("Transpose", x, perm=[0, 2, 3, 1])
    x = g.node("Reshape", x, g.const([1, -1], np.int64))
    return head(g, x, 24, draw)


def norm_then_pool(g: GraphMaker, draw: Draw) -> str:
    """Pooling behind a batch norm with positive factors and before one with others."""
    x = conv(g, "x", g.const(signs(draw, 6, 1, 3, 3)))
    x = g.node("MaxPool", g.norm(x, 6, draw, flips=False), kernel_shape=[2, 2], strides=[2, 2])
    x = g.bipolar(g.norm(x, 6, draw))
    return head(g, flat(g, x), 54, draw)


def residual(g: GraphMaker, draw: Draw) -> str:
    """A depthwise block with a shortcut, scales 2 and 3 apart, a strided one, a global mean."""
    x = g.quant(
        g.norm(conv(g, "x", g.const(signs(draw, 4, 1, 3, 3)), pads=[1] * 4), 4, draw),
        0.5,
        3,
        signed=0,
    )
    w = g.quant(g.const(draw.normal(size=(4, 1, 3, 3))), 0.25, 3)
    y = g.quant(conv(g, x, w, pads=[1] * 4, group=4), 0.25, 4)
    x = g.quant(g.node("Add", x, y), 0.5, 4)
    w = g.bipolar(g.const(draw.normal(size=(4, 4, 1, 1))))
    y = g.quant(g.node("Conv", x, w, kernel_shape=[1, 1]), 1.5, 3)
    x = g.quant(g.node("Add", y, x), 0.75, 4, signed=0)
    x = g.quant(
        conv(g, x, g.const(signs(draw, 8, 4, 3, 3)), pads=[1] * 4, strides=[2, 2]), 2.0, 4, signed=0
    )
    return head(g, flat(g, g.quant(g.node("GlobalAveragePool", x), 0.125, 8)), 8, draw)


def signed_padding(g: GraphMaker, draw: Draw) -> str:
    """Zeros around signed codes: a sum of two convolutions, depthwise and with stride as well."""
    x = g.quant("x", 1 / 8, 3, zero=2.0, signed=0)
    x = conv(g, x, g.const(signs(draw, 4, 1, 3, 3)), pads=[1] * 4)
    x = g.quant(g.norm(x, 4, draw), 0.5, 2, narrow=1)
    w = g.quant(g.const(draw.normal(size=(4, 1, 3, 3))), 0.25, 3)
    x = g.quant(conv(g, x, w, pads=[1] * 4, group=4), 0.25, 3)
    w = g.quant(g.const(draw.normal(size=(6, 4, 3, 3))), draw.uniform(0.2, 1, (6, 1, 1, 1)), 4)
    bias = g.const(draw.normal(size=6))
    x = g.node("Conv", x, w, bias, kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    return head(g, flat(g, g.bipolar(x)), 96, draw)


def linear_quantisers(g: GraphMaker, draw: Draw) -> str:
    """ONNX's own quantisers: 8-bit weights by channel, activations of 8 and 4 bits, a bias."""
    x = g.linear("x", 1 / 255, 0, np.uint8)
    w = g.const(draw.integers(-127, 128, (4, 1, 3, 3)), np.int8)
    w = g.node(
        "DequantizeLinear",
        w,
        g.const(2.0 ** draw.integers(-9, -6, 4)),
        g.const(np.zeros(4), np.int8),
        axis=0,
    )
    bias = g.node(
        "DequantizeLinear", g.const([5, -3, 0, 9], np.int32), g.const(0.125), g.const(0, np.int32)
    )
    x = g.node("Conv", x, w, bias, kernel_shape=[3, 3], pads=[1] * 4)
    x = g.node("Relu", g.norm(x, 4, draw, flips=False))
    x = g.linear(x, 0.0625, 0, np.uint8, top=15)
    x = g.node("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
    x = g.linear(x, 0.0625, 0, np.uint8, top=15)
    x = conv(g, x, g.const(signs(draw, 4, 4, 3, 3)), pads=[1] * 4)
    x = g.linear(x, 2.0 ** draw.integers(-2, 1, 4), np.full(4, -3), np.int8)
    x = g.linear(x, 0.5, 0, np.int8)
    x = g.linear(g.node("GlobalAveragePool", x), 0.25, 7, np.uint8)
    return g.linear(head(g, flat(g, x), 4, draw), 0.5, 128, np.uint8)


def any_scales(g: GraphMaker, draw: Draw) -> str:
    """A shortcut whose scale is no simple ratio of the other path's, for each channel another."""
    x = g.quant("x", 1 / 8, 3, signed=0)
    x = g.quant(conv(g, x, g.const(signs(draw, 4, 1, 3, 3)), pads=[1] * 4), 0.3, 4)
    y = g.quant(g.node("Relu", x), 0.171, 3, signed=0)
    y = conv(g, y, g.const(signs(draw, 4, 4, 3, 3)), pads=[1] * 4)
    y = g.quant(y, draw.uniform(0.2, 0.7, (1, 4, 1, 1)), 4)
    return head(g, flat(g, g.quant(g.node("Add", x, y), 0.5, 4)), 256, draw)


def mean_logits(g: GraphMaker, draw: Draw) -> str:
    """A fully convolutional end: the mean of maps is the logit, then Softmax."""
    x = g.bipolar(g.norm(conv(g, "x", g.const(signs(draw, 6, 1, 3, 3))), 6, draw))
    x = conv(g, x, g.const(signs(draw, 5, 6, 3, 3)))
    x = g.node("ReduceMean", x, axes=[2, 3], keepdims=0)
    return g.node("Softmax", x, axis=1)


def quantised_logits(g: GraphMaker, draw: Draw) -> str:
    """Logits that are themselves quantised, through a bias and a dropout."""
    x = flat(g, g.bipolar(g.node("Sub", "x", g.const(0.5))))
    x = g.node("Add", head(g, x, 64, draw), g.const(draw.normal(size=5)))
    return g.quant(g.node("Identity", x), 2.0, 5)


def requantised(g: GraphMaker, draw: Draw) -> str:
    """The same quantiser twice, then another: the second changes nothing, the third does."""
    x = flat(g, g.quant("x", 0.25, 3, signed=0))
    x = g.quant(g.node("MatMul", x, g.const(signs(draw, 64, 12))), 0.5, 4)
    x = g.quant(g.quant(x, 0.5, 4), 1.0, 3)
    return head(g, x, 12, draw)


def folded_shapes(g: GraphMaker, draw: Draw) -> str:
    """A reshaping to a shape that the graph computes, as PyTorch exports it."""
    x = g.bipolar(g.node("Sub", "x", g.const(0.5)))
    batch = g.node("Gather", g.node("Shape", x), g.const(0, np.int64), axis=0)
    batch = g.node("Unsqueeze", batch, g.const([0], np.int64))
    shape = g.node("Concat", batch, g.const([-1], np.int64), axis=0)
    return head(g, g.node("Reshape", x, shape), 64, draw)


CASES: list[Callable[[GraphMaker, Draw], str]] = [
    *(
        mlp,
        raw_pixels,
        few_bits,
        zero_points,
        channel_scales,
        roundings,
        trunc,
        trunc_to_scale,
        clipped,
    ),
    images,
    *(signed_padding, linear_quantisers, any_scales),
    *(norm_then_pool, residual, mean_logits, quantised_logits, requantised, folded_shapes),
]


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("build", CASES)
def test_every_layer_agrees(
    build: Callable[[GraphMaker, Draw], str], seed: int, tmp_path: Path
) -> None:
    g = GraphMaker(1, 1, 8, 8)
    path = g.save(build(g, np.random.default_rng(seed)), tmp_path / "net.onnx")
    report = checked(path)
    agreement = report["agreement"]
    assert agreement["first_difference"] is None
    assert (agreement["elements_apart"], agreement["classes_apart"]) == (0, 0)
    assert agreement["elements"] > 0
    network = import_file(path).network
    save_network(network, tmp_path / "net.safetensors")
    assert load_network(tmp_path / "net.safetensors") == network
    json.dumps(report)


class Reader(CalibrationDataReader):
    """Twenty random images."""

    def __init__(self) -> None:
        self.left, self.draw = 20, np.random.default_rng(1)

    def get_next(self) -> dict[str, np.ndarray] | None:
        self.left -= 1
        return {"x": self.draw.random((1, 1, 8, 8), np.float32)} if self.left >= 0 else None


@pytest.mark.parametrize("per_channel", [False, True])
def test_what_onnxruntime_quantises(per_channel: bool, tmp_path: Path) -> None:
    """A float network with a shortcut, quantised to 8 bits by onnxruntime's own tool."""
    draw = np.random.default_rng(2)
    g = GraphMaker(1, 1, 8, 8)
    x = conv(g, "x", g.const(draw.normal(size=(8, 1, 3, 3))), pads=[1] * 4)
    x = g.node("Relu", x)
    y = conv(g, x, g.const(draw.normal(size=(8, 8, 3, 3)) / 5), pads=[1] * 4)
    x = g.node("Relu", g.node("Add", x, y))
    x = g.node("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
    x = conv(g, x, g.const(draw.normal(size=(8, 1, 3, 3))), pads=[1] * 4, group=8)
    x = flat(g, g.node("GlobalAveragePool", x))
    g.save(
        g.node(
            "Gemm", x, g.const(draw.normal(size=(5, 8))), g.const(draw.normal(size=5)), transB=1
        ),
        tmp_path / "float.onnx",
    )
    quantize_static(
        tmp_path / "float.onnx",
        tmp_path / "net.onnx",
        Reader(),
        per_channel=per_channel,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
    )
    agreement = checked(tmp_path / "net.onnx")["agreement"]
    assert agreement["elements"] > 100_000
    assert (agreement["elements_apart"], agreement["classes_apart"]) == (0, 0)
