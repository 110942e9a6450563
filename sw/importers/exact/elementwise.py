"""Operators that take each element by itself: kept until a quantiser folds them."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subbit.sw.importers.exact.arithmetic import ARITHMETIC, arithmetic, per_channel
from subbit.sw.importers.exact.network_builder import NetworkBuilder
from subbit.sw.importers.exact.op import Op, with_places
from subbit.sw.importers.exact.steps import between, check_type, combined, stepped, whole
from subbit.sw.importers.exact.sums import add
from subbit.sw.importers.exact.value import Const, Value, exact, fill

__all__ = ["ELEMENTWISE", "elementwise", "normalise"]

Floats = NDArray[np.float32]
Array = NDArray[Any]
OPSET, IR_VERSION = 20, 9
# Run by onnxruntime; these never fall, with the attributes of ALPHAS at least 0.
RISING = (
    *("Sigmoid", "Tanh", "HardSigmoid", "Softsign", "Selu", "Softplus", "Exp", "Erf"),
    *("LeakyRelu", "Elu", "Celu"),
)
# Run by onnxruntime too; these may rise and fall.
TURNING = ("Abs", "Sqrt", "Reciprocal", "Log", "HardSwish", "Mish", "Gelu")
ALPHAS = {"LeakyRelu": ("alpha",), "Elu": ("alpha",), "Selu": ("alpha", "gamma")}
ROUNDING: dict[str, Callable[[Floats], Floats]] = {
    "Round": np.rint,
    "Floor": np.floor,
    "Ceil": np.ceil,
    "Sign": np.sign,
}
ELEMENTWISE = (*ARITHMETIC, *RISING, *TURNING, *ROUNDING, "Relu", "Clip", "Neg", "PRelu", "Pow")
INTEGERS = ("uint8", "int8", "uint16", "int16", "int32", "int64")


def onnx_step(
    kind: str, attributes: dict[str, Any], *constants: Array
) -> Callable[[Floats], Floats]:
    """One ONNX operator as a function of float32 ``(batch, channels)``, run by onnxruntime."""
    # Here, since modules of torch come by without any such operator.
    import onnx
    import onnxruntime

    names = [f"c{place}" for place in range(len(constants))]
    node = onnx.helper.make_node(kind, ["x", *names], ["y"], **attributes)
    x, y = (onnx.helper.make_tensor_value_info(n, 1, ["batch", "channels"]) for n in "xy")
    arrays = [onnx.numpy_helper.from_array(c, n) for n, c in zip(names, constants, strict=True)]
    graph = onnx.helper.make_graph([node], "step", [x], [y], arrays)
    model = onnx.helper.make_model(
        graph, ir_version=IR_VERSION, opset_imports=[onnx.helper.make_opsetid("", OPSET)]
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
    value = values[0]
    for other in values:
        check_type(op, other, *(("float32", *INTEGERS) if op.kind == "Clip" else ()))
    if op.kind in ARITHMETIC:
        return (
            of_two(builder, op, inputs)
            if len(values) > 1
            else arithmetic(builder, op, value, inputs)
        )
    if op.kind == "Clip":
        return clip(op, value, inputs)
    if op.kind == "PRelu":
        return prelu(builder, op, value, inputs)
    if op.kind == "Pow":
        return power(builder, op, inputs)
    if op.kind == "Neg":
        count = value.kind.channels
        return stepped(op, value, np.negative, slope=fill(count, -1), shift=fill(count, 0))
    if op.kind == "Relu":
        zero = np.zeros(value.kind.channels, np.float32)
        onto = between(zero, zero + np.inf)
        return stepped(op, value, lambda x: np.maximum(x, np.float32(0)), onto=onto)
    if op.kind in ROUNDING:
        return stepped(op, value, ROUNDING[op.kind], onto=whole(value))
    numbers = [float(op.attributes.get(name, 1.0)) for name in ALPHAS.get(op.kind, ())]
    monotone = op.kind in RISING and all(number >= 0 for number in numbers)
    run = onnx_step(op.kind, dict(op.attributes))
    return stepped(op, value, run, monotone=monotone, about=True)


def of_two(builder: NetworkBuilder, op: Op, inputs: list[Value | Const]) -> Value:
    """Arithmetic of two tensors: sums and differences; all of it of functions of one tensor."""
    a, b = (x for x in inputs if isinstance(x, Value))
    if op.kind in ("Add", "Sub"):
        return add(builder, op, [a, b])
    return combined(builder, op, [a, b], ARITHMETIC[op.kind])


def clip(op: Op, value: Value, inputs: list[Value | Const]) -> Value:
    """Clip, whose limits are inputs or, before opset 11, attributes."""
    found = {1: op.attributes.get("min", -np.inf), 2: op.attributes.get("max", np.inf)}
    for place, limit in with_places(op, inputs).items():
        if place and (not isinstance(limit, Const) or limit.array.size != 1):
            raise op.refuse("its limits are no constant numbers", "clip to two numbers")
        if isinstance(limit, Const):
            found[place] = limit.real().reshape(-1)[0]
    low, high = (np.float32(number) for number in found.values())
    count = value.kind.channels
    onto = between(np.full(count, low), np.full(count, high))
    return stepped(
        op, value, lambda x: np.minimum(np.maximum(x, low), high), onto=onto, gives=value.dtype
    )


def power(builder: NetworkBuilder, op: Op, inputs: list[Value | Const]) -> Value:
    """Pow of a tensor with a constant exponent."""
    if not isinstance(inputs[0], Value) or not isinstance(inputs[1], Const):
        raise op.refuse("its exponent is not constant", "raise to a constant power")
    exponent = np.asarray(inputs[1].real())
    if exponent.size != 1:
        raise op.refuse("it has several exponents", "raise to one power")
    return stepped(
        op, inputs[0], onnx_step("Pow", {}, exponent.reshape(1)), monotone=False, about=True
    )


def prelu(builder: NetworkBuilder, op: Op, value: Value, inputs: list[Value | Const]) -> Value:
    """PRelu with constant slopes."""
    slopes = inputs[1]
    if not isinstance(slopes, Const) or not isinstance(inputs[0], Value):
        raise op.refuse("its slopes are not constant", "export with the slopes as initializers")
    value, (c,) = per_channel(builder, op, value, [np.asarray(slopes.real())])

    def run(x: Floats) -> Floats:
        return np.where(x < 0, x * c, x).astype(np.float32)

    return stepped(op, value, run, monotone=bool((c >= 0).all()))


def normalise(builder: NetworkBuilder, op: Op, inputs: list[Value | Const]) -> Value:
    """BatchNormalization with constant statistics."""
    value, *rest = inputs
    constants = [np.asarray(c.real()) for c in rest if isinstance(c, Const)]
    if not isinstance(value, Value) or len(constants) != 4:
        raise op.refuse("its parameters are not constant", "export the network in eval mode")
    check_type(op, value)
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
    return stepped(op, value, run, slope=slope, shift=shift, about=True)
