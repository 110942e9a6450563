"""Damaged ONNX files: refused in one line, or imported, compared and reported."""

import random
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from subbit.sw.bench.random_graphs import random_graph
from subbit.sw.errors import NetworkError, SubbitError
from subbit.sw.importers.api import check_import, import_file
from tests.sw.mutations import count, damaged_bytes, refused
from tests.sw.samples import message

INTEGERS = (-(1 << 63), -7, -1, 0, 1, 2, 3, 1 << 20, 1 << 31, (1 << 63) - 1)
FLOATS = (float("nan"), float("inf"), -1.0, 0.0, 1e38, 1e-45, 0.5)
NAMES = ("", "x", "t0", "p0", "[/red]", "x" * 5000, "a\nb", "\x1b[31m")
KINDS = (
    *("Conv", "Gemm", "MatMul", "Add", "Mul", "Div", "Relu", "Clip", "Quant", "BipolarQuant"),
    *("MaxPool", "AveragePool", "GlobalAveragePool", "ReduceMean", "Flatten", "Reshape", "Pad"),
    *("Transpose", "Concat", "Softmax", "TopK", "ArgMax", "BatchNormalization", "QuantizeLinear"),
    *("DequantizeLinear", "Loop", "If", "Sigmoid", "Sign", "Where", "Constant", "Nonsense"),
)
Draw = random.Random
Edit = Callable[[Any, Draw], None]


def some(rows: Any, draw: Draw) -> Any:
    """One of the rows, which are never none in these graphs."""
    return rows[draw.randrange(len(rows))]


def kind(model: Any, draw: Draw) -> None:
    """Another operator."""
    some(model.graph.node, draw).op_type = draw.choice(KINDS)


def domain(model: Any, draw: Draw) -> None:
    """Another domain, or opset."""
    if draw.random() < 0.5:
        some(model.graph.node, draw).domain = draw.choice(
            ("ai.onnx.ml", "", "x.y", "onnx.brevitas")
        )
    else:
        some(model.opset_import, draw).version = draw.choice((-1, 0, 1, 5, 9, 11, 18, 21, 10**9))


def wiring(model: Any, draw: Draw) -> None:
    """An input that is another, missing, or one too many; or an output of another name."""
    node = some([node for node in model.graph.node if node.input], draw)
    match draw.randrange(4):
        case 0:
            node.input[draw.randrange(len(node.input))] = draw.choice(NAMES)
        case 1:
            node.input[draw.randrange(len(node.input))] = some(model.graph.node, draw).output[0]
        case 2:
            node.input.append(draw.choice(NAMES))
        case _:
            node.output[0] = draw.choice(NAMES)


def attribute(model: Any, draw: Draw) -> None:
    """An attribute of another value, kind or name, or none."""
    node = some([node for node in model.graph.node if node.attribute], draw)
    one = some(node.attribute, draw)
    match draw.randrange(5):
        case 0:
            node.attribute.remove(one)
        case 1:
            one.name = draw.choice(("axis", "pads", "perm", "", "strange", "group", "keepdims"))
        case 2:
            one.i, one.type = draw.choice(INTEGERS), onnx.AttributeProto.INT
        case 3:
            one.type = onnx.AttributeProto.INTS
            one.ints[:] = [draw.choice(INTEGERS) for _ in range(draw.randrange(6))]
        case _:
            one.type = draw.choice((0, 1, 3, 5, 6, 8, 14))
            one.f = draw.choice(FLOATS)


def tensor(model: Any, draw: Draw) -> None:
    """An array of another shape, kind, length or content."""
    one = some(model.graph.initializer, draw)
    match draw.randrange(6):
        case 0:
            one.dims[:] = [draw.choice(INTEGERS) for _ in range(draw.randrange(5))]
        case 1:
            one.data_type = draw.choice((0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 16, 17, 22))
        case 2:
            one.raw_data = one.raw_data[: draw.randrange(len(one.raw_data) + 1)]
        case 3:
            one.raw_data = np.float32(draw.choice(FLOATS)).tobytes() * (len(one.raw_data) // 4)
        case 4:
            one.name = draw.choice(NAMES)
        case _:
            one.float_data.append(draw.choice(FLOATS))


def border(model: Any, draw: Draw) -> None:
    """An input or output of another shape, kind or name."""
    one = some([*model.graph.input, *model.graph.output], draw)
    kind = one.type.tensor_type
    match draw.randrange(4):
        case 0:
            kind.elem_type = draw.choice((0, 1, 2, 3, 6, 7, 8, 9, 10, 11, 99))
        case 1:
            kind.shape.dim.add().dim_value = draw.choice(INTEGERS)
        case 2:
            kind.shape.dim.add().dim_param = draw.choice(NAMES)
        case _:
            one.name = draw.choice(NAMES)


def order(model: Any, draw: Draw) -> None:
    """Nodes in another order, twice, or gone."""
    nodes = list(model.graph.node)
    draw.shuffle(nodes)
    kept = nodes[: draw.randint(0, len(nodes))] + nodes[: draw.randrange(2)]
    del model.graph.node[:]
    model.graph.node.extend(kept)


EDITS: dict[str, Edit] = {
    edit.__name__: edit for edit in (kind, domain, wiring, attribute, tensor, border, order)
}


def source(seed: int) -> Any:
    """One of a few sound graphs."""
    found = random_graph(seed % 7)
    return found.maker.model(found.output)


def tried(path: Path) -> bool:
    """Whether the file is refused; if not, it is compared with its source on two images."""
    found: list[Any] = []
    if refused(lambda: found.append(import_file(path)), path):
        return True
    with suppress(SubbitError):
        check_import(found[0], images=2)
    return False


@pytest.mark.parametrize("name", EDITS)
def test_damaged_graphs(name: str, tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"

    def check(seed: int) -> bool:
        draw, model = random.Random(seed), source(seed)
        for _ in range(draw.randint(1, 2)):
            EDITS[name](model, draw)
        path.write_bytes(model.SerializeToString())
        return tried(path)

    assert count(check, 80) > 25


def test_damaged_bytes_of_graphs(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"

    def check(seed: int) -> bool:
        path.write_bytes(damaged_bytes(source(seed).SerializeToString(), seed))
        return tried(path)

    assert count(check, 240) > 50


def raw_and_list(tensor: Any) -> None:
    """Numbers as bytes and as a list."""
    tensor.float_data.append(1.0)


def odd_bytes(tensor: Any) -> None:
    """A number cut short."""
    tensor.raw_data += b"\0"


def other_list(tensor: Any) -> None:
    """Numbers in the list of another type."""
    count = len(tensor.raw_data) // 4
    tensor.ClearField("raw_data")
    tensor.int64_data.extend([1] * count)


def both_lists(tensor: Any) -> None:
    """Numbers in two lists."""
    other_list(tensor)
    tensor.float_data.extend([1.0] * len(tensor.int64_data))


@pytest.mark.parametrize("change", [raw_and_list, odd_bytes, other_list, both_lists])
def test_numbers_in_two_forms_are_refused(change: Callable[[Any], None], tmp_path: Path) -> None:
    model, path = source(0), tmp_path / "net.onnx"
    change(next(one for one in model.graph.initializer if one.data_type == onnx.TensorProto.FLOAT))
    path.write_bytes(model.SerializeToString())
    text = message(lambda: import_file(path), NetworkError)
    assert "keeps its numbers in two forms or in part; export it again" in text
