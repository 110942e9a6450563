"""Images with their channels first or last, and what files say of their input's numbers."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from torch import Tensor, nn

from subbit.sw.cli import app
from subbit.sw.errors import NetworkError
from subbit.sw.importers.api import check_import, import_file
from subbit.sw.importers.exact.layout import Use, channels_last
from subbit.sw.importers.torch.module import import_torch
from tests.sw.importers.onnx_graphs import GraphMaker, checked
from tests.sw.importers.operator_graphs import binary, signs
from tests.sw.samples import message

Draw = np.random.Generator
Build = Callable[[GraphMaker, Draw, tuple[int, ...]], str]


def first(g: GraphMaker, draw: Draw, shape: tuple[int, ...]) -> str:
    """A convolution of the input as it is."""
    x = g.node("Mul", g.const(1.0), g.quant("x", 0.25, 2, signed=0))
    x = g.node("Conv", x, g.const(signs(draw, 3, shape[0], 1, 1)))
    return g.node("Flatten", g.node("GlobalAveragePool", x))


def last(g: GraphMaker, draw: Draw, shape: tuple[int, ...]) -> str:
    """Convolutions between transposes, as exporters of channels-last networks leave them."""
    x = g.node("Transpose", g.quant("x", 0.25, 2, signed=0), perm=[0, 3, 1, 2])
    x = g.node("Conv", x, g.const(signs(draw, 4, shape[2], 3, 3)), pads=[1, 1, 1, 1])
    x = g.node("Transpose", x, perm=[0, 2, 3, 1])
    x = g.node("Add", g.node("Mul", x, g.const([0.5, -1, 2, 1])), g.const([1.0, 0, -1, 0.5]))
    x = g.node("Transpose", g.quant(g.node("Relu", x), 0.5, 3, signed=0), perm=[0, 3, 1, 2])
    x = g.node("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
    x = g.node("Conv", x, g.const(signs(draw, 4, 4, 3, 3)), auto_pad="SAME_UPPER", strides=[2, 2])
    x = g.quant(g.node("Transpose", x, perm=[0, 2, 3, 1]), 1.0, 3)
    height, width = (-(-(side // 2) // 2) for side in shape[:2])
    x = g.node("Reshape", x, g.const([1, -1], np.int64))
    return g.node("MatMul", x, g.const(signs(draw, height * width * 4, 5)))


SHAPES: list[tuple[Build, tuple[int, int, int], tuple[int, int, int]]] = [
    # the source's input and the Network's, (height, width, channels)
    (first, (2, 16, 1), (16, 1, 2)),
    (first, (4, 5, 3), (5, 3, 4)),
    (first, (5, 4, 1), (4, 1, 5)),
    (first, (1, 6, 1), (6, 1, 1)),
    (last, (8, 8, 3), (8, 8, 3)),
    (last, (8, 8, 8), (8, 8, 8)),
    (last, (6, 8, 2), (6, 8, 2)),
    (last, (3, 8, 6), (3, 8, 6)),
    (last, (2, 4, 1), (2, 4, 1)),
]


@pytest.mark.parametrize(
    ("build", "given", "found"), SHAPES, ids=lambda value: getattr(value, "__name__", str(value))
)
def test_the_use_tells_the_layout(
    build: Build, given: tuple[int, int, int], found: tuple[int, int, int], tmp_path: Path
) -> None:
    g = GraphMaker(1, *given)
    path = g.save(build(g, np.random.default_rng(2), given), tmp_path / "net.onnx")
    assert import_file(path).network.input_type.shape == found
    agreement = checked(path, 25)["agreement"]
    assert agreement["first_difference"] is None
    assert (agreement["classes_apart"], agreement["elements"] > 0) == (0, True)


def vector(tmp_path: Path, *shape: int) -> Path:
    """A graph that flattens its input, so that nothing tells the layout."""
    g = GraphMaker(1, *shape)
    x = g.node("Flatten", g.quant("x", 0.25, 2, signed=0))
    size = int(np.prod(shape))
    weights = g.const(signs(np.random.default_rng(1), size, 5))
    return g.save(g.node("MatMul", x, weights), tmp_path / "net.onnx")


@pytest.mark.parametrize(
    ("layout", "found"),
    [(None, (4, 5, 3)), ("channels-last", (4, 5, 3)), ("channels-first", (5, 3, 4))],
)
def test_a_layout_may_be_said(
    layout: str | None, found: tuple[int, int, int], tmp_path: Path
) -> None:
    path = vector(tmp_path, 4, 5, 3)
    result = import_file(path, layout=layout)
    assert result.network.input_type.shape == found
    agreement = check_import(result, images=25)["agreement"]
    assert (agreement["first_difference"], agreement["classes_apart"]) == (None, 0)


def test_the_command_takes_a_layout(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = vector(tmp_path, 4, 5, 3)
    assert app.run(["import", str(path), "--layout", "channels-first", "--json"]) == 0
    capsys.readouterr()
    text = message(lambda: import_file(path, layout="nhwc"), NetworkError)
    assert text.endswith("a layout is channels-first or channels-last, not 'nhwc'")
    other = message(lambda: import_file(tmp_path / "a.npz", layout="channels-last"), NetworkError)
    assert other.endswith("a layout is for ONNX graphs; arrays are described")


def test_what_tells_a_layout() -> None:
    step = Use("Relu", "x", "y")
    assert channels_last("x", [step, Use("Conv", "y", "z")]) is False
    assert channels_last("x", [step, Use("Transpose", "y", "z", (0, 3, 1, 2))]) is True
    assert channels_last("x", [step, Use("Transpose", "y", "z", (0, 2, 3, 1))]) is False
    assert channels_last("x", [Use("Flatten", "x", "y"), Use("Conv", "y", "z")]) is None
    assert channels_last("x", [Use("Conv", "w", "y")]) is None


class Turned(nn.Module):
    """A convolution of images whose channels are last."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = binary(nn.Conv2d(channels, 4, 3, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        x = torch.round(torch.clamp(x / 64, 0.0, 3.0))
        return self.conv(x.permute(0, 3, 1, 2)).mean((2, 3))


@pytest.mark.parametrize("shape", [(6, 6, 6), (7, 5, 3), (3, 6, 8)])
def test_modules_tell_the_layout(shape: tuple[int, int, int]) -> None:
    torch.manual_seed(1)
    result = import_torch(Turned(shape[2]), torch.zeros(1, *shape), span=(0.0, 255.0))
    assert result.network.input_type.shape == shape
    agreement = check_import(result)["agreement"]
    assert (agreement["first_difference"], agreement["classes_apart"]) == (None, 0)
    straight = nn.Sequential(binary(nn.Conv2d(2, 4, 1, bias=False)), nn.AdaptiveAvgPool2d(1))
    found = import_torch(straight, torch.zeros(1, 2, 16, 1), span=(0.0, 255.0))
    assert found.network.input_type.shape == (16, 1, 2)


def annotated(tmp_path: Path, datatype: str) -> Path:
    """A graph whose input is annotated with a type."""
    path = vector(tmp_path, 1, 4, 4)
    model: Any = onnx.load(str(path))
    note = onnx.TensorAnnotation(tensor_name="x")
    note.quant_parameter_tensor_names.add(key="finn_datatype", value=datatype)
    model.graph.quantization_annotation.append(note)
    onnx.save(model, str(path))
    return path


@pytest.mark.parametrize(
    ("datatype", "span"),
    [
        ("UINT8", (0, 255)),
        ("UINT16", (0, 255)),
        ("INT8", (-128, 127)),
        ("INT9", (0, 255)),
        ("FLOAT32", (0, 1)),
    ],
)
def test_annotations_that_hold(datatype: str, span: tuple[int, int], tmp_path: Path) -> None:
    agreement = checked(annotated(tmp_path, datatype), 25, span=span)["agreement"]
    assert (agreement["first_difference"], agreement["classes_apart"]) == (None, 0)


@pytest.mark.parametrize(
    ("datatype", "span", "text"),
    [
        ("UINT8", (0, 1), "annotated as UINT8, integers from 0 to 255, and its 256 pixels range"),
        ("UINT8", (-128, 127), "annotated as UINT8, integers from 0 to 255"),
        ("INT8", (0, 255), "annotated as INT8, integers from -128 to 127"),
        ("UINT4", (0, 15), "annotated as UINT4, integers from 0 to 15"),
        ("BIPOLAR", (-1, 1), "annotated as BIPOLAR, -1 and 1"),
        ("BINARY", (0, 1), "annotated as BINARY, integers from 0 to 1"),
        ("TERNARY", (-1, 1), "annotated as TERNARY, integers from -1 to 1"),
        ("FIXED<8,4>", (0, 1), "annotated as 'FIXED<8,4>', which is no type of integers"),
        ("UINT999", (0, 255), "which is no type of integers of 1 to 32 bits"),
    ],
)
def test_annotations_that_do_not_hold(
    datatype: str, span: tuple[int, int], text: str, tmp_path: Path
) -> None:
    path = annotated(tmp_path, datatype)
    assert text in message(lambda: import_file(path, span=span), NetworkError)
