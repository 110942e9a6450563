"""Weights of quantised operators in a type with which onnxruntime computes exactly everywhere.

On x86 processors without VNNI, onnxruntime multiplies unsigned inputs by signed weights in 16 bits
that saturate, so that the same graph gives other numbers than elsewhere. Unsigned weights, 128
larger with a zero point that is 128 larger, mean the same and are multiplied exactly.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

__all__ = ["unsaturate"]

# Where an operator has its input, that one's zero point, its weights and their zero point.
PLACES = {
    **dict.fromkeys(("QLinearConv", "QLinearMatMul", "QGemm"), (0, 2, 3, 5)),
    **dict.fromkeys(("ConvInteger", "MatMulInteger"), (0, 2, 1, 3)),
}
PASSING = ("Flatten", "Identity", "MaxPool", "Reshape", "Squeeze", "Transpose", "Unsqueeze")
# Where an operator has the zero point of what it gives.
ZERO_POINTS = {
    "QuantizeLinear": 2,
    **dict.fromkeys(("QLinearConv", "QLinearMatMul", "QLinearAdd"), 7),
    "QGemm": 8,
}
MOST_STEPS = 1 << 10  # back from an operator to what gives its input a type


def unsaturate(model: Any) -> None:
    """Make int8 weights of the model that meet unsigned inputs uint8, in place."""
    arrays = constants(model.graph)
    makers = {name: node for node in model.graph.node for name in node.output}
    for number, node in enumerate(model.graph.node):
        if node.op_type not in PLACES:
            continue
        x, x_zero, w, w_zero = PLACES[node.op_type]
        weights = arrays.get(input_of(node, w))
        given = input_of(node, w_zero)
        if weights is None or weights.dtype != np.int8 or (given and given not in arrays):
            continue
        if type_of(input_of(node, x_zero), input_of(node, x), arrays, makers) != np.uint8:
            continue
        zero = arrays[given] if given else np.zeros((), np.int8)
        for place, array in ((w, weights), (w_zero, zero)):
            name = f"{node.op_type}_{number}_unsigned_{place}"
            moved = (array.astype(np.int16) + 128).astype(np.uint8)
            model.graph.initializer.append(onnx.numpy_helper.from_array(moved, name))
            node.input.extend([""] * (place + 1 - len(node.input)))
            node.input[place] = name


def constants(graph: Any) -> dict[str, NDArray[Any]]:
    """The constants of a graph by name."""
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute and node.attribute[0].name == "value":
            tensors[node.output[0]] = node.attribute[0].t
    return {name: onnx.numpy_helper.to_array(tensor) for name, tensor in tensors.items()}


def input_of(node: Any, place: int) -> str:
    """The name of an input; nothing where it is left out."""
    return str(node.input[place]) if place < len(node.input) else ""


def type_of(
    zero: str, name: str, arrays: Mapping[str, NDArray[Any]], makers: Mapping[str, Any]
) -> Any:
    """The type of the tensor ``name`` with the zero point ``zero``; None where nothing tells it."""
    for _ in range(MOST_STEPS):
        if zero in arrays:
            return arrays[zero].dtype
        node = makers.get(name)
        if node is None:
            return None
        if node.op_type == "DynamicQuantizeLinear":
            return np.dtype(np.uint8)
        if node.op_type in ZERO_POINTS:
            zero = input_of(node, ZERO_POINTS[node.op_type])
            unsigned = np.dtype(np.uint8) if node.op_type == "QuantizeLinear" and not zero else None
            return arrays[zero].dtype if zero in arrays else unsigned
        if node.op_type not in PASSING:
            return None
        name = input_of(node, 0)
    return None
