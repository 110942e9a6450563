"""Quantised weights for onnxruntime: products that would saturate on some processors are exact."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from subbit.sw.importers.onnx.executor import session_of
from subbit.sw.importers.onnx.unsaturated import constants, unsaturate


def model_of(*, kind: str, passing: bool) -> onnx.ModelProto:
    """A quantised input of 255 times weights of -128 and 127, whose pairs need 17 bits."""
    arrays = {
        "scale": np.array(1.0, np.float32),
        "zero": np.array(0, np.uint8),
        "w": np.array([[-128, 127]] * 8, np.int8),
        "w_zero": np.array([1, -2], np.int8) if kind == "QLinearMatMul" else np.array(3, np.int8),
        "y_scale": np.array(2048.0, np.float32),
        "y_zero": np.array(128, np.uint8),
    }
    nodes = [helper.make_node("QuantizeLinear", ["x", "scale", "zero"], ["q"])]
    if passing:
        nodes.append(helper.make_node("Flatten", ["q"], ["flat"]))
    q = "flat" if passing else "q"
    if kind == "MatMulInteger":
        given = [q, "w"] if passing else [q, "w", "", "w_zero"]
    else:
        given = [q, "scale", "zero", "w", "scale", "w_zero", "y_scale", "y_zero"]
    nodes.append(helper.make_node(kind, given, ["y"]))
    kept = {name: array for name, array in arrays.items() if any(name in n.input for n in nodes)}
    out = TensorProto.INT32 if kind == "MatMulInteger" else TensorProto.UINT8
    graph = helper.make_graph(
        nodes,
        "products",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 8])],
        [helper.make_tensor_value_info("y", out, [1, 2])],
        [onnx.numpy_helper.from_array(array, name) for name, array in kept.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.mark.parametrize("passing", [False, True])
@pytest.mark.parametrize("kind", ["MatMulInteger", "QLinearMatMul"])
def test_products_are_exact(kind: str, passing: bool) -> None:
    model = model_of(kind=kind, passing=passing)
    unsaturate(model)
    node = model.graph.node[-1]
    arrays = constants(model.graph)
    assert arrays[node.input[1 if kind == "MatMulInteger" else 3]].dtype == np.uint8
    found = session_of(model).run(["y"], {"x": np.full((1, 8), 255, np.float32)})[0]
    zero = {"MatMulInteger": 0 if passing else 3}.get(kind, np.array([1, -2]))
    sums = 8 * 255 * (np.array([-128, 127]) - zero)
    if kind == "QLinearMatMul":
        sums = np.clip(np.rint(sums / 2048) + 128, 0, 255)
    assert found.tolist() == [sums.tolist()]


def test_signed_inputs_keep_their_weights() -> None:
    model = model_of(kind="QLinearMatMul", passing=False)
    for tensor in model.graph.initializer:
        if tensor.name == "zero":
            tensor.CopyFrom(onnx.numpy_helper.from_array(np.array(0, np.int8), "zero"))
    before = model.SerializeToString()
    unsaturate(model)
    assert model.SerializeToString() == before
