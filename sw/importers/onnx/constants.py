"""Evaluating what an ONNX graph computes from constants alone, with every result bounded."""

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subbit.sw.errors import NetworkError
from subbit.sw.importers.exact.choices import COMPARISONS, LOGIC, chosen
from subbit.sw.importers.exact.op import Op, axes_of, reshaped, with_places
from subbit.sw.importers.exact.value import Const
from subbit.sw.importers.onnx.untrusted_file import TYPES, check_shape

__all__ = ["FOLDABLE", "evaluate_constant", "permuted"]

Array = NDArray[Any]
Rule = Callable[[Op, list[Array]], Array]


def broadcast(function: Callable[..., Any]) -> Rule:
    """An operation on elements; the shape of its result is checked first."""

    def rule(op: Op, inputs: list[Array]) -> Array:
        check_shape(str(op), np.broadcast_shapes(*(x.shape for x in inputs)))
        return np.asarray(function(*inputs), inputs[0].dtype)

    return rule


def as_it_is(function: Callable[..., Any]) -> Rule:
    """An operation on elements whose result has a type of its own."""

    def rule(op: Op, inputs: list[Array]) -> Array:
        check_shape(str(op), np.broadcast_shapes(*(x.shape for x in inputs)))
        return np.asarray(function(*inputs))

    return rule


def divide(a: Array, b: Array) -> Array:
    """ONNX's division, which truncates integers."""
    if a.dtype.kind not in "iu":
        return np.asarray(a / b)
    if not b.all():
        raise ZeroDivisionError("division by zero")
    return np.asarray((a - np.fmod(a, b)) // b)


def constant(op: Op, inputs: list[Array]) -> Array:
    """Constant."""
    for name in ("value", "value_float", "value_int", "value_floats", "value_ints"):
        if name in op.attributes:
            value = op.attributes[name]
            kind = np.int64 if "int" in name else np.float32
            return value if isinstance(value, np.ndarray) else np.asarray(value, kind)
    raise op.refuse("it has no numeric value", "export the constant as an array")


def gather(op: Op, inputs: list[Array]) -> Array:
    """Gather."""
    axis = int(op.attributes.get("axis", 0))
    data, places = inputs
    check_shape(str(op), (data.size // max(data.shape[axis], 1), places.size))
    return np.take(data, places.astype(np.int64), axis=axis)


def concat(op: Op, inputs: list[Array]) -> Array:
    """Concat."""
    check_shape(str(op), (sum(x.size for x in inputs),))
    return np.concatenate(inputs, axis=int(op.attributes["axis"]))


def slice_(op: Op, inputs: list[Array]) -> Array:
    """Slice, with its limits as inputs or attributes."""
    data, given = inputs[0], with_places(op, inputs)
    names = ("", "starts", "ends", "axes", "steps")
    limits = {n: given[i].reshape(-1).tolist() for i, n in enumerate(names) if i and i in given}
    limits = limits or {n: list(op.attributes[n]) for n in names if n in op.attributes}
    starts, ends = limits["starts"], limits["ends"]
    axes, steps = limits.get("axes", range(len(starts))), limits.get("steps", [1] * len(starts))
    places = [slice(None)] * data.ndim
    for axis, *limit in zip(axes, starts, ends, steps, strict=True):
        places[axis] = slice(*limit)
    return data[tuple(places)]


def reshape(op: Op, inputs: list[Array]) -> Array:
    """Reshape."""
    data = inputs[0]
    wanted = inputs[1].reshape(-1).tolist() if len(inputs) > 1 else op.attributes["shape"]
    return data.reshape(reshaped(op, data.shape, wanted))


def constant_of_shape(op: Op, inputs: list[Array]) -> Array:
    """ConstantOfShape."""
    shape = tuple(inputs[0].reshape(-1).tolist())
    check_shape(str(op), shape)
    value = op.attributes.get("value", np.zeros(1, np.float32))
    return np.full(shape, value.reshape(-1)[0], value.dtype)


def clip(op: Op, inputs: list[Array]) -> Array:
    """Clip, its limits inputs or, before opset 11, attributes."""
    given = with_places(op, inputs)
    low, high = (
        given[place].reshape(-1)[0] if place in given else op.attributes.get(name)
        for place, name in ((1, "min"), (2, "max"))
    )
    found = inputs[0] if low is None else np.maximum(inputs[0], low)
    return np.asarray(found if high is None else np.minimum(found, high), inputs[0].dtype)


def cast(op: Op, inputs: list[Array]) -> Array:
    """Cast."""
    return inputs[0].astype(TYPES[op.attributes["to"]])


FOLDABLE: dict[str, Rule] = {
    "Constant": constant,
    "Identity": lambda op, x: x[0],
    "Gather": gather,
    "Concat": concat,
    "Slice": slice_,
    "Reshape": reshape,
    "ConstantOfShape": constant_of_shape,
    "Cast": cast,
    "Clip": clip,
    "Tanh": broadcast(np.tanh),
    "Unsqueeze": lambda op, x: np.expand_dims(x[0], axes_of(op, x)),
    "Squeeze": lambda op, x: np.squeeze(x[0], axes_of(op, x) or None),
    "Flatten": lambda op, x: x[0].reshape(prod(x[0].shape[: op.attributes.get("axis", 1)]), -1),
    "Transpose": lambda op, x: np.transpose(x[0], op.attributes.get("perm")),
    "Add": broadcast(np.add),
    "Sub": broadcast(np.subtract),
    "Mul": broadcast(np.multiply),
    "Div": broadcast(divide),
    "Pow": broadcast(np.power),
    "Sqrt": broadcast(np.sqrt),
    "Neg": broadcast(np.negative),
    "Abs": broadcast(np.abs),
    "Reciprocal": broadcast(lambda x: 1 / x),
    "Floor": broadcast(np.floor),
    "Ceil": broadcast(np.ceil),
    "Round": broadcast(np.rint),
    "Sign": broadcast(np.sign),
    "Exp": broadcast(np.exp),
    "Log": broadcast(np.log),
    "Relu": broadcast(lambda x: np.maximum(x, 0)),
    "Min": broadcast(lambda *x: np.min(np.broadcast_arrays(*x), axis=0)),
    "Max": broadcast(lambda *x: np.max(np.broadcast_arrays(*x), axis=0)),
    **{kind: as_it_is(function) for kind, function in (*COMPARISONS.items(), *LOGIC.items())},
    "Where": as_it_is(chosen),
}


def evaluate_constant(op: Op, inputs: list[Const]) -> Const:
    """What the operator makes of constants; a quantised one stays so where it is only permuted.

    Raises NetworkError where the result would be too large or its inputs do not fit.
    """
    if op.kind == "Identity":
        return inputs[0]
    if op.kind == "Transpose" and inputs[0].scale is not None:
        return permuted(op, inputs[0])
    try:
        with np.errstate(all="ignore"):
            return Const(FOLDABLE[op.kind](op, [np.asarray(x.real()) for x in inputs]))
    except NetworkError:
        raise
    except (ValueError, IndexError, KeyError, TypeError, ZeroDivisionError, OverflowError) as error:
        raise op.refuse(
            f"its constants do not fit it ({str(error)[:80]})", "export the network again"
        ) from None


def permuted(op: Op, x: Const) -> Const:
    """Transpose of a quantised constant: integers and scale alike."""
    assert x.scale is not None
    scale = x.scale
    if scale.size > 1:
        scale = np.transpose(np.broadcast_to(scale, x.array.shape), op.attributes.get("perm"))
    return Const(np.transpose(x.array, op.attributes.get("perm")), scale)
