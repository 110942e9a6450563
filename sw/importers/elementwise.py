"""Operators that take each element by itself: kept until a quantiser folds them."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray

from subbit.sw.importers.builder import Builder
from subbit.sw.importers.graph import Op
from subbit.sw.importers.value import Const, Fractions, Step, Value, exact, fill

__all__ = ["ELEMENTWISE", "elementwise", "normalise"]

Floats = NDArray[np.float32]
Array = NDArray[Any]
OPSET = 15
ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "Add": np.add,
    "Sub": np.subtract,
    "Mul": np.multiply,
    "Div": np.divide,
}
RISING = ("Relu", "Sigmoid", "Tanh", "HardSigmoid", "LeakyRelu", "Softsign", "Elu", "Softplus")
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
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return lambda values: np.asarray(session.run(None, {"x": values})[0], np.float32)


def per_channel(
    builder: Builder, op: Op, value: Value, constants: list[Array]
) -> tuple[Value, list[Floats]]:
    """The constants for each channel, ``(channels,)``; of a vector if they differ within one."""
    constants = [np.asarray(c, np.float32) for c in constants]
    if not all(c.size and np.isfinite(c).all() for c in constants):
        raise op.refuse("a constant is empty, NaN or infinite", "train and export it again")
    try:
        found = [value.channels_of(c) for c in constants]
        if any(c is None for c in found):
            value = builder.flattened(op, value)
            found = [value.channels_of(c) for c in constants]
    except ValueError:
        raise op.refuse(
            f"its constant does not fit a tensor of shape {value.shape}", "export the network again"
        ) from None
    return value, [np.asarray(c, np.float32) for c in found]


def elementwise(builder: Builder, op: Op, inputs: list[Value | Const]) -> Value:
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
        return value.then(Step(op.name, np.negative, minus, fill(value.kind.channels, 0)))
    if op.kind == "Clip":
        return value.then(Step(op.name, clip(op, inputs[1:])))
    if op.kind == "Relu":
        return value.then(Step(op.name, lambda x: np.maximum(x, np.float32(0))))
    if op.kind in ("LeakyRelu", "Elu") and float(op.attributes.get("alpha", 0.01)) < 0:
        raise op.refuse("its slope is negative", "use a slope of 0 or more")
    return value.then(Step(op.name, onnx_step(op.kind, op.attributes)))


def clip(op: Op, limits: list[Value | Const]) -> Callable[[Floats], Floats]:
    """Clip, whose limits are inputs or, before opset 11, attributes."""
    found = [op.attributes.get("min", -np.inf), op.attributes.get("max", np.inf)]
    for place, limit in enumerate(limits[:2]):
        if isinstance(limit, Const) and limit.array.size == 1:
            found[place] = limit.real().reshape(-1)[0]
    low, high = (np.float32(number) for number in found)
    return lambda x: np.minimum(np.maximum(x, low), high)


def arithmetic(builder: Builder, op: Op, value: Value, inputs: list[Value | Const]) -> Value:
    """Add, Sub, Mul or Div with a constant on either side."""
    first = isinstance(inputs[0], Value)
    constant = inputs[1 if first else 0]
    assert isinstance(constant, Const)
    value, (c,) = per_channel(builder, op, value, [np.asarray(constant.real())])
    if op.kind == "Div" and not first:
        raise op.refuse("it divides by a tensor", "multiply instead")
    if op.kind == "Div" and (c == 0).any():
        raise op.refuse("it divides by zero", "train and export the network again")
    function = ARITHMETIC[op.kind]
    slope, shift = line_of(op.kind, exact(c), first)

    def run(x: Floats) -> Floats:
        """The operator as numpy rounds it, which is as ONNX does."""
        return np.asarray(function(x, c) if first else function(c, x), np.float32)

    return value.then(Step(op.name, run, slope, shift))


def line_of(kind: str, c: Fractions, first: bool) -> tuple[Fractions, Fractions]:
    """Slope and shift of ``x kind c``, or of ``c kind x`` where the tensor is not ``first``."""
    one, none = fill(len(c), 1), fill(len(c), 0)
    if kind == "Add":
        return one, c
    if kind == "Sub":
        return (one, -c) if first else (-one, c)
    return (c if kind == "Mul" else one / c), none


def prelu(builder: Builder, op: Op, value: Value, inputs: list[Value | Const]) -> Value:
    """PRelu with constant slopes of 0 or more."""
    slopes = inputs[1]
    assert isinstance(slopes, Const)
    value, (c,) = per_channel(builder, op, value, [np.asarray(slopes.real())])
    if (c < 0).any():
        raise op.refuse("a slope is negative", "train with slopes of 0 or more")
    return value.then(Step(op.name, lambda x: np.where(x < 0, x * c, x).astype(np.float32)))


def normalise(builder: Builder, op: Op, inputs: list[Value | Const]) -> Value:
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
    return value.then(Step(op.name, run, slope, shift))
