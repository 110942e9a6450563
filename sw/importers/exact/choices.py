"""Comparisons, logic, Where, Min and Max: choices by the size of each element."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subbit.sw.importers.exact.arithmetic import per_channel
from subbit.sw.importers.exact.network_builder import NetworkBuilder
from subbit.sw.importers.exact.op import Op
from subbit.sw.importers.exact.steps import between, check_type, combined, whole
from subbit.sw.importers.exact.value import Const, Grid, Value, exact

__all__ = ["COMPARISONS", "LOGIC", "choose", "chosen", "compare", "limit", "logic"]

Array = NDArray[Any]
COMPARISONS: dict[str, Callable[..., Array]] = {
    "Greater": np.greater,
    "GreaterOrEqual": np.greater_equal,
    "Less": np.less,
    "LessOrEqual": np.less_equal,
    "Equal": np.equal,
}
LOGIC: dict[str, Callable[..., Array]] = {
    "And": np.logical_and,
    "Or": np.logical_or,
    "Xor": np.logical_xor,
    "Not": np.logical_not,
}
NUMBERS = ("float32", "int8", "uint8", "int16", "uint16", "int32", "int64")


def tensors(inputs: list[Value | Const]) -> list[Value]:
    """The inputs that depend on the network's."""
    return [x for x in inputs if isinstance(x, Value)]


def compare(builder: NetworkBuilder, op: Op, inputs: list[Value | Const]) -> Value:
    """A comparison with a constant, or of two functions of one tensor: 0 or 1 for each element."""
    for value in tensors(inputs):
        check_type(op, value, *NUMBERS)
    return combined(
        builder,
        op,
        inputs,
        COMPARISONS[op.kind],
        monotone=op.kind != "Equal",
        onto=whole(tensors(inputs)[0]),
        gives="bool",
    )


def logic(builder: NetworkBuilder, op: Op, inputs: list[Value | Const]) -> Value:
    """And, Or, Xor and Not of comparisons."""
    for value in tensors(inputs):
        check_type(op, value, "bool")
    return combined(
        builder, op, inputs, LOGIC[op.kind], onto=whole(tensors(inputs)[0]), gives="bool"
    )


def choose(builder: NetworkBuilder, op: Op, inputs: list[Value | Const]) -> Value:
    """Where: of a comparison, of constants, or of functions of the tensor that is compared."""
    condition, *branches = inputs
    if isinstance(condition, Value):
        check_type(op, condition, "bool")
    for value in tensors(branches):
        check_type(op, value)
    onto = None
    if isinstance(condition, Value) and not tensors(branches):
        onto = two_levels(builder, op, condition, branches)
    return combined(
        builder,
        op,
        inputs,
        chosen,
        monotone=onto is not None or not isinstance(condition, Value),
        onto=onto,
    )


def chosen(condition: Array, a: Array, b: Array) -> Array:
    """``a`` where the condition holds, else ``b``."""
    found: Array = np.where(condition != 0, a, b)
    return found


def two_levels(
    builder: NetworkBuilder, op: Op, value: Value, branches: list[Value | Const]
) -> Callable[[Grid | None], Grid | None]:
    """The grid of two constants for each channel."""
    arrays = [np.asarray(x.real()) for x in branches if isinstance(x, Const)]
    _, found = per_channel(builder, op, value, arrays)
    a, b = (exact(x) for x in found)
    gap = abs(a - b)
    grid = np.minimum(a, b), np.array([n or Fraction(1) for n in gap], object)
    return lambda before: grid


def limit(builder: NetworkBuilder, op: Op, inputs: list[Value | Const]) -> Value:
    """Min and Max, of a tensor and constants or of functions of one tensor."""
    function = np.minimum if op.kind == "Min" else np.maximum
    for value in tensors(inputs):
        check_type(op, value)

    def run(*arrays: Array) -> Array:
        found = arrays[0]
        for array in arrays[1:]:
            found = function(found, array)
        return found

    onto = None
    if len(tensors(inputs)) == 1 and len(inputs) == 2:
        value = tensors(inputs)[0]
        arrays = [np.asarray(x.real()) for x in inputs if isinstance(x, Const)]
        _, (bound,) = per_channel(builder, op, value, arrays)
        free = np.full(len(bound), np.inf, np.float32)
        onto = between(-free, bound) if op.kind == "Min" else between(bound, free)
    return combined(builder, op, inputs, run, onto=onto)
