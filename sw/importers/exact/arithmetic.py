"""Additions, subtractions, multiplications and divisions by constants."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subbit.sw.importers.exact.network_builder import NetworkBuilder
from subbit.sw.importers.exact.op import Op
from subbit.sw.importers.exact.value import Const, ElementStep, Fractions, Value, exact, fill

__all__ = ["ARITHMETIC", "arithmetic", "by_channel", "per_channel"]

Floats = NDArray[np.float32]
Array = NDArray[Any]
ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "Add": np.add,
    "Sub": np.subtract,
    "Mul": np.multiply,
    "Div": np.divide,
}


def per_channel(
    builder: NetworkBuilder, op: Op, value: Value, constants: list[Array]
) -> tuple[Value, list[Floats]]:
    """by_channel for finite constants."""
    constants = [np.asarray(c, np.float32) for c in constants]
    if not all(c.size and np.isfinite(c).all() for c in constants):
        raise op.refuse("a constant is empty, NaN or infinite", "train and export it again")
    return by_channel(builder, op, value, constants, "constant")


def by_channel(
    builder: NetworkBuilder, op: Op, value: Value, constants: list[Floats], what: str
) -> tuple[Value, list[Floats]]:
    """The constants for each channel, ``(channels,)``; of a vector if they differ within one.

    ``what`` they are, for the one who reads why they do not fit.
    """
    try:
        found = [value.channels_of(c) for c in constants]
        if any(c is None for c in found):
            value = builder.flattened(op, value)
            found = [value.channels_of(c) for c in constants]
    except ValueError:
        raise op.refuse(
            f"its {what} does not fit a tensor of shape {value.shape}", "export the network again"
        ) from None
    return value, [np.asarray(c, np.float32) for c in found]


def arithmetic(builder: NetworkBuilder, op: Op, value: Value, inputs: list[Value | Const]) -> Value:
    """Add, Sub, Mul or Div with a constant on either side."""
    first = isinstance(inputs[0], Value)
    constant = inputs[1 if first else 0]
    assert isinstance(constant, Const)
    value, (c,) = per_channel(builder, op, value, [np.asarray(constant.real())])
    if op.kind == "Div" and (c == 0).any() and first:
        raise op.refuse("it divides by zero", "train and export the network again")
    function = ARITHMETIC[op.kind]

    def run(x: Floats) -> Floats:
        """The operator as numpy rounds it, which is as ONNX does."""
        return np.asarray(function(x, c) if first else function(c, x), np.float32)

    if op.kind == "Div" and not first:
        slope, shift = None, None
    else:
        slope, shift = line_of(op.kind, exact(c), first)
    return value.then(
        ElementStep(
            op.name,
            run,
            slope,
            shift,
            monotone=slope is not None,
            tensor=op.outputs[0],
            kind=op.label or op.kind,
        )
    )


def line_of(kind: str, c: Fractions, first: bool) -> tuple[Fractions, Fractions]:
    """Slope and shift of ``x kind c``, or of ``c kind x`` where the tensor is not ``first``."""
    one, none = fill(len(c), 1), fill(len(c), 0)
    if kind == "Add":
        return one, c
    if kind == "Sub":
        return (one, -c) if first else (-one, c)
    return (c if kind == "Mul" else one / c), none
