"""What an import refuses: which node, why, and what to do; hostile files in bounded time."""

import contextlib
import pickle
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from subbit.sw.cli import app
from subbit.sw.errors import NetworkError
from subbit.sw.importers.api import FIXED, import_file
from subbit.sw.importers.onnx.field_count import check_fields
from tests.sw.importers.onnx_graphs import GraphMaker
from tests.sw.samples import message

SECONDS, MEGABYTES = 20, 600
ONES = np.ones((5, 64), np.float32)


def refused(path: Path) -> str:
    """The message with which importing the file ends, in bounded time and memory."""
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    text = message(lambda: import_file(path), NetworkError)
    assert time.monotonic() - start < SECONDS
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MEGABYTES << 10
    assert text.startswith(f"{path}: ")
    assert "\n" not in text
    return text.removeprefix(f"{path}: ")


WIDE = np.tile([127, 126, 125, 124, 123], (9, 1))


def flat(g: GraphMaker) -> str:
    """One-bit codes of the input as a vector of 64."""
    return g.node("Flatten", g.bipolar(g.node("Sub", "x", g.const(0.5))), axis=1)


def gemm(g: GraphMaker, x: str, weights: Any = ONES) -> str:
    """A linear layer."""
    return g.node("Gemm", x, g.const(weights), transB=1)


def conv(g: GraphMaker, x: str, channels: int = 1, side: int = 3, **attributes: Any) -> str:
    """A convolution with weights of 1."""
    weights = g.const(np.ones((4, channels, side, side)))
    return g.node("Conv", x, weights, kernel_shape=[side, side], **attributes)


def second(g: GraphMaker) -> str:
    """The mask of a Dropout."""
    g.node("Dropout", flat(g))
    g.nodes[-1].output.append("mask")
    return "mask"


Case = tuple[Callable[[GraphMaker], str], str]
REFUSALS: dict[str, Case] = {
    "real weights": (
        lambda g: gemm(g, flat(g), np.linspace(-1, 1, 320).reshape(5, 64)),
        "node 'Gemm_3' (Gemm): its weights are not small integers times one factor an output; "
        "quantise the weights to 1 to 8 bits with one scale an output (or layer)",
    ),
    "a scale for each input": (
        lambda g: g.node(
            "Gemm", flat(g), g.quant(g.const(ONES), np.arange(1, 65)[None] / 64, 4), transB=1
        ),
        "node 'Gemm_4' (Gemm): its weights have a scale for each input; "
        "quantise the weights to 1 to 8 bits with one scale an output (or layer)",
    ),
    "activations that are not quantised": (
        lambda g: gemm(g, g.node("Relu", gemm(g, flat(g))), np.ones((3, 5))),
        "node 'Gemm_5' (Gemm): its input is Relu_4 of numbers that are not quantised; "
        f"put a quantiser between them{FIXED}",
    ),
    "sums that are not quantised": (
        lambda g: gemm(g, gemm(g, gemm(g, g.node("Flatten", "x")), WIDE), np.ones((3, 9))),
        "node 'Gemm_3' (Gemm): its input is not quantised: integers of 26 bits, more than 24; "
        f"put a quantiser (Quant, BipolarQuant) before it{FIXED}",
    ),
    "an unknown operator": (
        lambda g: gemm(g, g.node("Convv", flat(g))),
        "node 'Convv_3' (Convv): unsupported operator; the nearest supported operator is Conv; "
        "replace it before exporting",
    ),
    "another operator of ONNX": (
        lambda g: gemm(g, g.node("Hardmax", flat(g))),
        "node 'Hardmax_3' (Hardmax): unsupported operator; docs/use/import.md lists all; "
        "replace it before exporting",
    ),
    "nine bits": (
        lambda g: gemm(g, g.quant(g.node("Flatten", "x"), 1 / 512, 9, signed=0)),
        "node 'Quant_1' (Quant): the codes of the pixels are too many; "
        "quantise pixels to 1 to 8 bits",
    ),
    "a negative scale": (
        lambda g: gemm(g, g.quant(g.node("Flatten", "x"), -0.5, 2, signed=0)),
        "node 'Quant_1' (Quant): its scale is not positive; export a positive scale",
    ),
    "padding beyond the kernel": (
        lambda g: conv(g, g.bipolar("x"), pads=[3, 0, 0, 0]),
        "node 'Conv_1' (Conv): a convolution of kernel 3x3, strides [1, 1], pads [3, 0, 0, 0]; "
        "use kernels of up to 11 rows and columns, strides of up to 4, dilations of up to 4, and "
        "less padding than the kernel reaches",
    ),
    "zero padding without a code": (
        lambda g: conv(g, g.quant("x", 0.25, 2, zero=0.5), pads=[1] * 4),
        "node 'Conv_1' (Conv): it pads with zeros, which no code of its input stands for; "
        "quantise its input with a zero point that is an integer, or use no padding",
    ),
    "a large stride": (
        lambda g: conv(g, g.bipolar("x"), strides=[1, 5]),
        "node 'Conv_1' (Conv): a convolution of kernel 3x3, strides [1, 5], pads [0, 0, 0, 0]; "
        "use kernels of up to 11 rows and columns, strides of up to 4, dilations of up to 4, and "
        "less padding than the kernel reaches",
    ),
    "dilated max pooling": (
        lambda g: g.node("MaxPool", g.bipolar("x"), kernel_shape=[3, 3], dilations=[2, 2]),
        "node 'MaxPool_1' (MaxPool): pooling of kernel 3x3, strides [1, 1], pads [0, 0, 0, 0], "
        "dilations [2, 2]; pool without dilation",
    ),
    "pooling of what rises and falls": (
        lambda g: g.quant(
            g.node(
                "MaxPool",
                g.node("Abs", conv(g, g.node("Sub", "x", g.const(0.5)))),
                kernel_shape=[2, 2],
                strides=[2, 2],
            ),
            0.1,
            3,
        ),
        "node 'Quant_4' (Quant): max pooling follows what rises and falls, of many levels; "
        "put a quantiser before the pooling",
    ),
    "incommensurable scales": (
        lambda g: g.node("Add", g.quant("x", 0.3, 2, signed=0), g.bipolar("x", 0.7)),
        "node 'BipolarQuant_1' (BipolarQuant): it quantises the pixels in another way than another "
        "node; quantise the input once, for all paths",
    ),
    "a product of tensors": (
        lambda g: g.node("Mul", conv(g, g.bipolar("x")), conv(g, g.bipolar("x"))),
        "node 'Mul_4' (Mul): it combines two tensors that are not functions of one; "
        "only their sum and difference are supported",
    ),
    "constants alone": (
        lambda g: g.node("Add", g.const(1.0), g.const(1.0)),
        "the graph's output does not depend on its input; export it again",
    ),
    "NaN": (
        lambda g: gemm(g, flat(g), ONES * np.nan),
        "node 'Gemm_3' (Gemm): its weights are empty, NaN or infinite; train and export it again",
    ),
    "a control flow": (
        lambda g: g.node("If", "x", then_branch=helper.make_graph([], "g", [], [])),
        "node 'If_0' (If) holds a graph of its own; export the network without control flow",
    ),
    "constants that do not fit": (
        lambda g: gemm(g, g.node("Add", flat(g), g.const(np.ones(7)))),
        "node 'Add_3' (Add): its constant does not fit a tensor of shape (1, 64); "
        "export the network again",
    ),
    "a malformed node": (
        lambda g: g.node("MaxPool", g.bipolar("x")),
        "node 'MaxPool_1' (MaxPool): malformed ('kernel_shape'); export the network again",
    ),
    "a second output": (
        lambda g: gemm(g, second(g)),
        "node 'Dropout_3' (Dropout): its second output 'mask' is used; use first outputs alone",
    ),
    "a dropout in training": (
        lambda g: gemm(g, g.node("Dropout", flat(g), g.const(0.5), g.const(True, np.bool_))),
        "node 'Dropout_3' (Dropout): it drops elements at random; export the network in eval mode",
    ),
    "an old batch norm": (
        lambda g: gemm(
            g, g.node("BatchNormalization", flat(g), *[g.const(np.ones(64))] * 4, spatial=0)
        ),
        "node 'BatchNormalization_3' (BatchNormalization): opset 13 has no attribute 'spatial' of "
        "it; export the network again",
    ),
    "a cast to integers": (
        lambda g: g.node("Cast", g.bipolar("x"), to=7),
        "node 'Cast_1' (Cast): its input is of type int64; cast it to float32 before it",
    ),
    "a pruned choice": (
        lambda g: gemm(g, g.node("Softmax", flat(g))),
        "node 'Softmax_3' (Softmax): another node reads its result; end the network with it",
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_what_cannot_be_exact_is_refused(name: str, tmp_path: Path) -> None:
    build, expected = REFUSALS[name]
    g = GraphMaker(1, 1, 8, 8)
    assert refused(g.save(build(g), tmp_path / "net.onnx")) == expected


def good() -> Any:
    """A small model that can be imported."""
    g = GraphMaker(1, 1, 8, 8)
    return g.model(gemm(g, flat(g)))


def write(tmp_path: Path, model: Any) -> Path:
    """The model in a file, unchecked."""
    path = tmp_path / "net.onnx"
    path.write_bytes(model if isinstance(model, bytes) else model.SerializeToString())
    return path


def test_the_good_model_is_good(tmp_path: Path) -> None:
    assert len(import_file(write(tmp_path, good())).network.nodes) == 3


def test_every_truncation_is_refused(tmp_path: Path) -> None:
    content = good().SerializeToString()
    for size in (*range(0, 40), *range(40, len(content), 97)):
        refused(write(tmp_path, content[:size]))


def test_damaged_files_are_refused_or_read(tmp_path: Path) -> None:
    content, draw = good().SerializeToString(), np.random.default_rng(1)
    for _ in range(200):
        damaged = bytearray(content)
        damaged[draw.integers(len(content))] = draw.integers(256)
        with contextlib.suppress(NetworkError):
            import_file(write(tmp_path, bytes(damaged)))


class Bomb:
    """Makes a file when unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (self.path.touch, ())


def test_a_pickle_is_not_opened(tmp_path: Path) -> None:
    refused(write(tmp_path, pickle.dumps(Bomb(tmp_path / "went-off"))))
    assert not (tmp_path / "went-off").exists()


def test_external_data_are_not_opened(tmp_path: Path) -> None:
    model = good()
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")
    text = refused(write(tmp_path, model))
    assert text == (
        "array 'p0' keeps its numbers in another file; save the network with all data inside "
        "(onnx.save(model, path, save_as_external_data=False))"
    )


def test_external_data_in_a_node_are_not_opened(tmp_path: Path) -> None:
    model = good()
    tensor = numpy_helper.from_array(np.ones(1, np.float32), "inner")
    tensor.external_data.add(key="location", value="../../secret")
    node = helper.make_node("Constant", [], ["c"], name="hidden", value=tensor)
    model.graph.node.insert(0, node)
    assert refused(write(tmp_path, model)).startswith("node 'hidden' (Constant) keeps its numbers")


@pytest.mark.parametrize("side", [1 << 20, 1 << 40, (1 << 63) - 1])
def test_huge_shapes_are_refused(side: int, tmp_path: Path) -> None:
    model = good()
    model.graph.initializer[0].dims[:] = [side, side]
    assert "declares the shape" in refused(write(tmp_path, model))
    model = good()
    for dim in model.graph.input[0].type.tensor_type.shape.dim[1:]:
        dim.dim_value = side
    assert "declares the shape" in refused(write(tmp_path, model))


def test_missing_numbers_are_refused(tmp_path: Path) -> None:
    model = good()
    model.graph.initializer[0].dims[:] = [3000, 3000]
    assert refused(write(tmp_path, model)) == (
        "array 'p0' holds 1 numbers where its shape needs 9000000; export it again"
    )


def test_a_cycle_is_refused(tmp_path: Path) -> None:
    model = good()
    model.graph.node[0].input[0] = model.graph.node[-1].output[0]
    assert refused(write(tmp_path, model)) == (
        "node 'Sub_0' (Sub): it waits for a tensor that no node makes, or that depends on its own "
        "output; a network has no cycles; export it again"
    )


def test_two_makers_of_one_tensor_are_refused(tmp_path: Path) -> None:
    model = good()
    model.graph.node[1].output[0] = model.graph.node[0].output[0]
    assert "a second time" in refused(write(tmp_path, model))


def test_a_foreign_domain_is_refused(tmp_path: Path) -> None:
    model = good()
    model.graph.node[0].domain = "com.evil"
    assert "unsupported operator of domain 'com.evil'" in refused(write(tmp_path, model))


def test_constants_that_grow_are_refused(tmp_path: Path) -> None:
    g = GraphMaker(1, 1, 8, 8)
    x = g.const(np.ones(1 << 16))
    for _ in range(40):
        x = g.node("Concat", x, x, axis=0)
    text = refused(g.save(g.node("Add", flat(g), x), tmp_path / "net.onnx"))
    assert "declares the shape" in text


def test_constants_that_broadcast_are_refused(tmp_path: Path) -> None:
    g = GraphMaker(1, 1, 8, 8)
    row = g.const(np.ones((1, 1 << 14)))
    column = g.const(np.ones((1 << 14, 1)))
    path = g.save(g.node("Add", flat(g), g.node("Mul", row, column)), tmp_path / "net.onnx")
    assert "declares the shape 16384x16384" in refused(path)


def test_many_large_constants_are_refused(tmp_path: Path) -> None:
    g = GraphMaker(1, 1, 8, 8)
    x = flat(g)
    for _ in range(200):
        x = g.node("Add", x, g.node("ConstantOfShape", g.const([1 << 24], np.int64)))
    assert "larger than any network's" in refused(g.save(x, tmp_path / "net.onnx"))


def test_a_long_graph_of_large_tensors_is_refused(tmp_path: Path) -> None:
    g = GraphMaker(1, 1, 4096, 4096)
    x = "x"
    for _ in range(1000):
        x = g.node("Reshape", x, g.const([1, 1, 4096, 4096], np.int64))
    assert "larger than any network's" in refused(g.save(g.bipolar(x), tmp_path / "net.onnx"))


def test_many_operations_without_a_quantiser_are_refused(tmp_path: Path) -> None:
    g = GraphMaker(1, 1, 8, 8)
    x = flat(g)
    for _ in range(10_000):
        x = g.node("Mul", x, g.const(np.linspace(1, 2, 64)))
    assert refused(g.save(x, tmp_path / "net.onnx")) == (
        "node 'Mul_67' (Mul): more than 64 operations follow without a quantiser; "
        "change the node and export again"
    )


def test_many_empty_messages_are_refused(tmp_path: Path) -> None:
    # Field 7, the graph, of two million empty nodes, field 1.
    nodes = b"\x0a\x00" * (1 << 21)
    size = bytes([0x80 | len(nodes) & 127, 0x80 | len(nodes) >> 7 & 127])
    size += bytes([0x80 | len(nodes) >> 14 & 127, len(nodes) >> 21])
    text = refused(write(tmp_path, b"\x3a" + size + nodes))
    assert text == f"the file has more than {1 << 20} parts; no network has"


def test_fields_are_counted() -> None:
    assert check_fields(good().SerializeToString()) > 20
    with pytest.raises(NetworkError):
        check_fields(good().SerializeToString(), limit=20)


def test_a_folder_and_no_file(tmp_path: Path) -> None:
    (tmp_path / "folder.onnx").mkdir()
    assert refused(tmp_path / "folder.onnx") == "not a file; name an .onnx file"
    assert "No such file" in refused(tmp_path / "missing.onnx")


@pytest.mark.parametrize("options", [[], ["--rule", "tiled"]])
def test_the_command_and_a_folder(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert app.run(["import", ".", *options]) == 2
    assert capsys.readouterr().err == "subbit: error: .: not a file; name the one to import\n"


def test_functions_are_refused(tmp_path: Path) -> None:
    model = good()
    model.functions.append(
        helper.make_function("local", "F", ["a"], ["b"], [], [helper.make_opsetid("", 13)])
    )
    assert "holds functions" in refused(write(tmp_path, model))


def test_open_shapes_are_refused(tmp_path: Path) -> None:
    model = good()
    model.graph.input[0].type.tensor_type.shape.dim[2].dim_param = "h"
    assert "has no fixed shape" in refused(write(tmp_path, model))
    assert onnx.__version__
