"""Graphs of operators on integers, written by hand with the settings that tools leave out."""

from typing import Any

import numpy as np

from tests.sw.importers.onnx_graphs import GraphMaker
from tests.sw.importers.operator_graphs import Build, Draw

__all__ = ["QOPERATORS"]


def parameters(g: GraphMaker, scale: Any, zero: Any, kind: Any = np.uint8) -> tuple[str, str]:
    """Scale and zero point."""
    return g.const(scale), g.const(zero, kind)


def quantised(g: GraphMaker, kind: Any = np.uint8, zero: int = 3) -> tuple[str, str, str]:
    """The input as integers, with their parameters."""
    known = parameters(g, 1 / 64, zero, kind)
    return g.node("QuantizeLinear", "x", *known), *known


def weights(g: GraphMaker, draw: Draw, *shape: int, signed: bool = False) -> str:
    """Integers of 8 bits."""
    low, high = (-7, 8) if signed else (120, 136)
    return g.const(draw.integers(low, high, shape), np.int8 if signed else np.uint8)


def ended(g: GraphMaker, x: str, known: tuple[str, str]) -> str:
    """Real numbers again, and their means, as a vector."""
    x = g.node("GlobalAveragePool", g.node("DequantizeLinear", x, *known))
    return g.node("Flatten", x, axis=1)


def microsoft(g: GraphMaker, kind: str, *inputs: str, **attributes: Any) -> str:
    """A node of onnxruntime's own domain."""
    x = g.node(kind, *inputs, **attributes)
    g.nodes[-1].domain = "com.microsoft"
    return x


def qlinear_conv(*, signed: bool) -> Build:
    """QLinearConv with a scale for each output, zeros around, stride 2 and a bias."""

    def build(g: GraphMaker, draw: Draw) -> str:
        kind = np.int8 if signed else np.uint8
        x, *known = quantised(g, kind, -20 if signed else 3)
        w = weights(g, draw, 4, 1, 3, 3, signed=signed)
        zero = g.const([0] * 4, np.int8) if signed else g.const(128, np.uint8)
        scale = g.const([0.5, 0.25, 0.3, 1.0] if signed else 0.25)
        out = parameters(g, 0.5, 7 if signed else 100, kind)
        bias = g.const([5, -9, 100, 0], np.int32)
        x = g.node("QLinearConv", x, *known, w, scale, zero, *out, bias, pads=[1] * 4,
                   strides=[2, 2], kernel_shape=[3, 3], group=1, dilations=[1, 1],
                   auto_pad="NOTSET")  # fmt: skip
        return ended(g, x, out)

    return build


def qlinear_matmul(g: GraphMaker, draw: Draw) -> str:
    """QLinearMatMul."""
    x, *known = quantised(g)
    x = g.node("Flatten", x, axis=1)
    out = parameters(g, 2.0, 110)
    w = weights(g, draw, 64, 5), *parameters(g, 0.5, 128)
    return g.node("DequantizeLinear", g.node("QLinearMatMul", x, *known, *w, *out), *out)


def integers(kind: str) -> Build:
    """ConvInteger or MatMulInteger, cast to real numbers, and a quantiser."""

    def build(g: GraphMaker, draw: Draw) -> str:
        x, _, zero = quantised(g)
        other = g.const(128, np.uint8)
        if kind == "ConvInteger":
            settings = {"kernel_shape": [3, 3], "pads": [0] * 4, "strides": [1, 1], "group": 1,
                        "dilations": [1, 1], "auto_pad": "NOTSET"}  # fmt: skip
            x = g.node(kind, x, weights(g, draw, 5, 1, 3, 3), zero, other, **settings)
        else:
            x = g.node("Flatten", x, axis=1)
            x = g.node(kind, x, weights(g, draw, 64, 5), zero, other)
        x = g.quant(g.node("Mul", g.node("Cast", x, to=1), g.const(1 / 64)), 1.0, 6)
        x = g.node("GlobalAveragePool", x) if kind == "ConvInteger" else x
        return g.node("Flatten", x, axis=1)

    return build


def q_gemm(*, real: bool) -> Build:
    """QGemm, with integers or real numbers as its results."""

    def build(g: GraphMaker, draw: Draw) -> str:
        x, *known = quantised(g)
        x = g.node("Flatten", x, axis=1)
        w = weights(g, draw, 5, 64), *parameters(g, 0.5, 128)
        bias = g.const(draw.integers(-90, 90, 5), np.int32)
        out = () if real else parameters(g, 2.0, 128)
        x = microsoft(g, "QGemm", x, *known, *w, bias, *out, alpha=2.0, transA=0, transB=1)
        return x if real else g.node("DequantizeLinear", x, *out)

    return build


def qlinear_add(g: GraphMaker, draw: Draw) -> str:
    """QLinearAdd of a tensor and a convolution of it, and a mean."""
    x, *known = quantised(g)
    out, mean = parameters(g, 1 / 8, 100), parameters(g, 1 / 16, 90)
    w = weights(g, draw, 1, 1, 3, 3), *parameters(g, 0.5, 128)
    y = g.node("QLinearConv", x, *known, *w, *out, pads=[1] * 4, kernel_shape=[3, 3])
    total = parameters(g, 1 / 4, 120)
    x = microsoft(g, "QLinearAdd", x, *known, y, *out, *total)
    w = weights(g, draw, 5, 1, 1, 1), *parameters(g, 0.5, 128)
    x = g.node("QLinearConv", x, *total, *w, *out, kernel_shape=[1, 1])
    x = microsoft(g, "QLinearGlobalAveragePool", x, *out, *mean, channels_last=0)
    return ended(g, x, mean)


QOPERATORS: dict[str, Build] = {
    "QLinearConv": qlinear_conv(signed=False),
    "QLinearConv signed": qlinear_conv(signed=True),
    "QLinearMatMul": qlinear_matmul,
    "ConvInteger": integers("ConvInteger"),
    "MatMulInteger": integers("MatMulInteger"),
    "QGemm": q_gemm(real=False),
    "QGemm real": q_gemm(real=True),
    "QLinearAdd": qlinear_add,
}
