"""Operators that take each element by itself: kept until a quantiser folds them."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray

from subbit.sw.importers.exact.arithmetic import ARITHMETIC, arithmetic, per_channel
from subbit.sw.importers.exact.network_builder import NetworkBuilder
from subbit.sw.importers.exact.op import Op
from subbit.sw.importers.exact.value import Const, ElementStep, Value, exact, fill

__all__ = ["ELEMENTWISE", "elementwise", "normalise"]

Floats = NDArray[np.float32]
Array = NDArray[Any]
OPSET = 15
RISING = (
    *("Relu", "Sigmoid", "Tanh", "HardSigmoid", "LeakyRelu", "Softsign", "Elu", "Selu"),
    "Softplus",
)
ELEMENTWISE = (*ARITHMETIC, *RISING, "Clip", "Neg", "PRelu")


def onnx_step(
    kind: str, attributes: dict[str, Any], *constants: Array
) -> Callable[[Floats], Floats]:
    """One ONNX operator as a function of float32 ``(batch, channels)``, run by onnxruntime."""
    names = [f"c{place}" for place in range(len(constants))]
    node = onnx.helper.make_node(kind, ["x", *names], ["y"], **attributes)
    x, y = (onnx.helper.make_tensor_value_info(n, 1, ["batch", "channels"]) for n in "xy")
    arrays = [onnx.numpy_helper.from_array(c, n) for n, c in zip(names, constants, strict=True)]
    graph = onnx.helper.make_graph([node], "step", [x], [y], arrays)
    model = onnx.helper.make_model(
        graph, ir_version=8, opset_imports=[onnx.helper.make_opsetid("", OPSET)]
    )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    try:
        session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:
        # onnxruntime's errors have no class of their own in common.
        raise ValueError(str(error)) from None
    return lambda values: np.asarray(session.run(None, {"x": values})[0], np.float32)


def elementwise(builder: NetworkBuilder, op: Op, inputs: list[Value | Const]) -> Value:
    """An operator on a tensor, and on constants where it has them."""
    values = [x for x in inputs if isinstance(x, Value)]
    if len(values) != 1:
        raise op.refuse(
            "it combines two tensors that are not constant",
            "only Add of two quantised tensors is supported",
        )
    value = values[0]
    if op.kind in ARITHMETIC:
        return arithmetic(builder, op, value, inputs)
    if op.kind == "PRelu":
        return prelu(builder, op, value, inputs)
    if op.kind == "Neg":
        minus = fill(value.kind.channels, -1)
        return value.then(ElementStep(op.name, np.negative, minus, fill(value.kind.channels, 0)))
    if op.kind == "Clip":
        return value.then(ElementStep(op.name, clip(op, inputs[1:])))
    if op.kind == "Relu":
        return value.then(ElementStep(op.name, lambda x: np.maximum(x, np.float32(0))))
    if op.kind in ("LeakyRelu", "Elu") and float(op.attributes.get("alpha", 0.01)) < 0:
        raise op.refuse("its slope is negative", "use a slope of 0 or more")
    return value.then(ElementStep(op.name, onnx_step(op.kind, op.attributes), about=True))


def clip(op: Op, limits: list[Value | Const]) -> Callable[[Floats], Floats]:
    """Clip, whose limits are inputs or, before opset 11, attributes."""
    found = [op.attributes.get("min", -np.inf), op.attributes.get("max", np.inf)]
    # A limit without a name is left out of the inputs, but not of their places.
    places = [place for place, name in enumerate(op.inputs[1:3]) if name]
    for place, limit in zip(places, limits, strict=True):
        if not isinstance(limit, Const) or limit.array.size != 1:
            raise op.refuse("its limits are no constant numbers", "clip to two numbers")
        found[place] = limit.real().reshape(-1)[0]
    low, high = (np.float32(number) for number in found)
    return lambda x: np.minimum(np.maximum(x, low), high)


def prelu(builder: NetworkBuilder, op: Op, value: Value, inputs: list[Value | Const]) -> Value:
    """PRelu with constant slopes of 0 or more."""
    slopes = inputs[1]
    assert isinstance(slopes, Const)
    value, (c,) = per_channel(builder, op, value, [np.asarray(slopes.real())])
    if (c < 0).any():
        raise op.refuse("a slope is negative", "train with slopes of 0 or more")
    return value.then(ElementStep(op.name, lambda x: np.where(x < 0, x * c, x).astype(np.float32)))


def normalise(builder: NetworkBuilder, op: Op, inputs: list[Value | Const]) -> Value:
    """BatchNormalization with constant statistics."""
    value, *rest = inputs
    constants = [np.asarray(c.real()) for c in rest if isinstance(c, Const)]
    if not isinstance(value, Value) or len(constants) != 4 or op.attributes.get("training_mode"):
        raise op.refuse("its parameters are not constant", "export the network in eval mode")
    shape = (-1, *[1] * (value.index.ndim - 1))
    value, arrays = per_channel(builder, op, value, [c.reshape(shape) for c in constants])
    epsilon = float(op.attributes.get("epsilon", 1e-5))
    gamma, beta, mean, variance = arrays
    if (variance.astype(np.float64) + epsilon <= 0).any():
        raise op.refuse("a variance is not positive", "train and export the network again")
    spread = np.sqrt(variance.astype(np.float64) + epsilon)
    slope = np.array([Fraction(number) for number in (gamma / spread).tolist()], object)
    shift = exact(beta) - exact(mean) * slope
    run = onnx_step("BatchNormalization", {"epsilon": epsilon}, *arrays)
    return value.then(ElementStep(op.name, run, slope, shift, about=True))
