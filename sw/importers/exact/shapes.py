"""Operators that move elements without changing them."""

from collections.abc import Callable
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subbit.sw.importers.exact.network_builder import NetworkBuilder
from subbit.sw.importers.exact.op import Op, axes_of, reshaped
from subbit.sw.importers.exact.value import Const, Value

__all__ = ["MOVES", "move", "shape_of"]

Ints = NDArray[np.int64]


def shape_of(builder: NetworkBuilder, op: Op, inputs: list[Value | Const]) -> Const:
    """Shape."""
    x = inputs[0]
    shape = x.shape if isinstance(x, Value) else x.array.shape
    start, end = op.attributes.get("start", 0), op.attributes.get("end")
    return Const(np.array(shape, np.int64)[start:end])


def reshape(op: Op, index: Ints, inputs: list[NDArray[Any]]) -> Ints:
    """Reshape."""
    wanted = inputs[0].reshape(-1).tolist() if inputs else list(op.attributes["shape"])
    return index.reshape(reshaped(op, index.shape, wanted))


def transpose(op: Op, index: Ints, inputs: list[NDArray[Any]]) -> Ints:
    """Transpose."""
    return index.transpose(op.attributes.get("perm"))


def flatten(op: Op, index: Ints, inputs: list[NDArray[Any]]) -> Ints:
    """Flatten."""
    axis = int(op.attributes.get("axis", 1))
    return index.reshape(prod(index.shape[:axis]), -1)


def squeeze(op: Op, index: Ints, inputs: list[NDArray[Any]]) -> Ints:
    """Squeeze."""
    axes = axes_of(op, [index, *inputs])
    # Without axes every side of 1 goes, except the batch.
    return index.squeeze(axes or tuple(i for i, n in enumerate(index.shape) if i and n == 1))


def unsqueeze(op: Op, index: Ints, inputs: list[NDArray[Any]]) -> Ints:
    """Unsqueeze."""
    return np.expand_dims(index, axes_of(op, [index, *inputs]))


MOVES: dict[str, Callable[[Op, Ints, list[NDArray[Any]]], Ints]] = {
    "Reshape": reshape,
    "Transpose": transpose,
    "Flatten": flatten,
    "Squeeze": squeeze,
    "Unsqueeze": unsqueeze,
}


def move(builder: NetworkBuilder, op: Op, inputs: list[Value | Const]) -> Value:
    """The same elements in other places; the batch stays the first side."""
    value = inputs[0]
    assert isinstance(value, Value)
    constants = [np.asarray(c.real()) for c in inputs[1:] if isinstance(c, Const)]
    index = MOVES[op.kind](op, value.index[None], constants)
    if index.ndim < 2 or len(index) != 1:
        raise op.refuse(
            f"it makes the shape {index.shape} of {value.shape}",
            "keep the batch as the first side",
        )
    return replace(value, index=index[0])
