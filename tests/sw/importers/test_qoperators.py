"""Operators on integers, as onnxruntime's static quantisation writes them, against onnxruntime."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

from tests.sw.importers.onnx_graphs import GraphMaker, checked
from tests.sw.importers.qoperator_graphs import QOPERATORS

IMAGES = 100
Draw = np.random.Generator
Build = Callable[[GraphMaker, Draw], str]


class Noise(CalibrationDataReader):
    """Random pictures."""

    def __init__(self) -> None:
        draw = np.random.default_rng(2)
        self.rows = [{"x": draw.random((1, 1, 8, 8), np.float32)} for _ in range(8)]

    def get_next(self) -> dict[str, np.ndarray] | None:  # type: ignore[override]
        """The next picture."""
        return self.rows.pop() if self.rows else None


def conv(g: GraphMaker, x: str, draw: Draw, shape: tuple[int, ...], pad: int = 0) -> str:
    """A convolution with a bias."""
    weights, bias = g.const(draw.normal(size=shape)), g.const(draw.normal(size=shape[0]))
    return g.node("Conv", x, weights, bias, kernel_shape=list(shape[2:]), pads=[pad] * 4)


def gemm(g: GraphMaker, x: str, draw: Draw, inputs: int) -> str:
    """A linear layer at the end."""
    x = g.node("Flatten", x, axis=1)
    bias = g.const(draw.normal(size=5))
    return g.node("Gemm", x, g.const(draw.normal(size=(5, inputs))), bias, transB=1)


def chain(g: GraphMaker, draw: Draw) -> str:
    """Convolutions, pooling and a linear layer."""
    x = g.node("Relu", conv(g, "x", draw, (4, 1, 3, 3)))
    x = g.node("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
    x = g.node("Relu", conv(g, x, draw, (4, 4, 3, 3), 1))
    return gemm(g, x, draw, 36)


def signed(g: GraphMaker, draw: Draw) -> str:
    """Activations on both sides of 0, with zeros around them."""
    x = conv(g, conv(g, "x", draw, (4, 1, 3, 3)), draw, (4, 4, 3, 3), 1)
    return gemm(g, x, draw, 144)


def residual(g: GraphMaker, draw: Draw) -> str:
    """A sum of two paths, and a mean."""
    x = g.node("Relu", conv(g, "x", draw, (4, 1, 3, 3), 1))
    x = g.node("Relu", g.node("Add", x, conv(g, x, draw, (4, 4, 3, 3), 1)))
    return g.node("Flatten", g.node("GlobalAveragePool", x), axis=1)


def product(g: GraphMaker, draw: Draw) -> str:
    """Products with matrices."""
    x = g.node("MatMul", g.node("Flatten", "x", axis=1), g.const(draw.normal(size=(64, 8))))
    return g.node("MatMul", g.node("Relu", x), g.const(draw.normal(size=(8, 5))))


BUILDS: list[Build] = [chain, signed, residual, product]


def quantised(build: Build, tmp_path: Path, form: QuantFormat, **options: object) -> Path:
    """A graph that onnxruntime has quantised."""
    g = GraphMaker(1, 1, 8, 8)
    g.save(build(g, np.random.default_rng(3)), tmp_path / "float.onnx")
    settings = {"activation_type": QuantType.QUInt8, "weight_type": QuantType.QInt8, **options}
    path = tmp_path / "net.onnx"
    quantize_static(tmp_path / "float.onnx", path, Noise(), quant_format=form, **settings)
    return path


@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("activations", [QuantType.QUInt8, QuantType.QInt8])
@pytest.mark.parametrize("form", [QuantFormat.QOperator, QuantFormat.QDQ])
@pytest.mark.parametrize("build", BUILDS)
def test_static_quantisation_agrees(
    build: Build, form: QuantFormat, activations: QuantType, per_channel: bool, tmp_path: Path
) -> None:
    path = quantised(build, tmp_path, form, activation_type=activations, per_channel=per_channel)
    kinds = {node.op_type for node in onnx.load(path).graph.node}
    assert ("QLinearConv" in kinds or "QLinearMatMul" in kinds) == (form is QuantFormat.QOperator)
    agreement = checked(path, IMAGES)["agreement"]
    assert agreement["first_difference"] is None
    assert (agreement["classes_apart"], agreement["elements"] > 0) == (0, True)


@pytest.mark.parametrize("name", QOPERATORS)
def test_an_operator_on_integers_agrees(name: str, tmp_path: Path) -> None:
    g = GraphMaker(1, 1, 8, 8)
    path = g.save(QOPERATORS[name](g, np.random.default_rng(4)), tmp_path / "net.onnx")
    agreement = checked(path, IMAGES)["agreement"]
    assert agreement["first_difference"] is None
    assert (agreement["classes_apart"], agreement["elements"] > 0) == (0, True)
