"""Operators that move elements without changing them."""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from math import isfinite, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subbit.sw.importers.exact.network_builder import NetworkBuilder
from subbit.sw.importers.exact.op import Op, axes_of, reshaped
from subbit.sw.importers.exact.rearranged import bordered, solid, straightened
from subbit.sw.importers.exact.value import Const, Value

__all__ = ["MOVES", "move", "pad", "shape_of"]

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


def pad(builder: NetworkBuilder, op: Op, inputs: list[Value | Const]) -> Value:
    """Pad with zeros around a map, which the convolution or pooling behind it takes in; with
    another number it is a layer.
    """
    value = inputs[0]
    assert isinstance(value, Value)
    mode = str(op.attributes.get("mode", "constant"))
    if mode != "constant":
        raise op.refuse(f"its mode is {mode[:40]!r}", "pad with zeros (mode constant)")
    pads, number = pad_numbers(op, inputs, len(value.shape))
    if not isfinite(number):
        raise op.refuse(f"it pads with {number:g}", "pad with a number")
    count = len(value.shape)
    if any(n < 0 for n in pads):
        raise op.refuse(f"pads {str(pads)[:80]} cut the tensor", "pad by 0 or more")
    if not any(pads):
        return value
    sides = tuple(axis + 1 for axis in value.map_axes)
    sizes = [(pads[axis], pads[axis + count]) for axis in range(count)]
    outer = [size for axis, size in enumerate(sizes) if axis not in sides]
    if len(sides) != 2 or any(map(any, outer)):
        raise op.refuse(
            f"it pads a tensor of shape {value.shape} by {str(pads)[:80]}",
            "pad height and width of a map (1, channels, height, width), or with channels last",
        )
    (above, below), (left, right) = (sizes[axis] for axis in sides)
    own = (above, left, below, right)
    if number != 0:
        return bordered(builder, op, solid(builder, op, value), own, Fraction(number))
    whole = tuple(a + b for a, b in zip(value.margins, own, strict=True))
    return replace(value, margins=(whole[0], whole[1], whole[2], whole[3]))


def pad_numbers(op: Op, inputs: list[Value | Const], count: int) -> tuple[list[int], float]:
    """The pads of every axis, first those in front, and the number to pad with: attributes or, from
    opset 11 on, inputs, of which a missing one has no name.
    """
    named = (
        {
            place: inputs[at]
            for at, place in enumerate(place for place, name in enumerate(op.inputs) if name)
        }
        if op.inputs
        else dict(enumerate(inputs))
    )
    arrays = {}
    for place, x in named.items():
        if place and not isinstance(x, Const):
            raise op.refuse("its pads are not constant", "export with constant pads")
        if isinstance(x, Const):
            arrays[place] = np.asarray(x.real()).reshape(-1)
    found = arrays.get(1, np.asarray(op.attributes.get("pads", op.attributes.get("paddings", ()))))
    number = arrays.get(2, np.asarray([op.attributes.get("value", 0.0)]))
    pads = [int(n) for n in found]
    if 3 in arrays:
        axes = [int(axis) % count for axis in arrays[3]]
        full = [0] * (2 * count)
        for at, axis in enumerate(axes):
            full[axis], full[axis + count] = pads[at], pads[at + len(axes)]
        pads = full
    if len(pads) != 2 * count:
        raise op.refuse(f"it has {len(pads)} pads for {count} sides", "export the network again")
    return pads, float(number[0]) if number.size else 0.0


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
    if op.kind != "Transpose":
        value.check_margins()
    constants = [np.asarray(c.real()) for c in inputs[1:] if isinstance(c, Const)]
    index = MOVES[op.kind](op, value.index[None], constants)
    if index.ndim < 2 or len(index) != 1:
        raise op.refuse(
            f"it makes the shape {index.shape} of {value.shape}",
            "keep the batch as the first side",
        )
    made = replace(value, index=index[0])
    if not made.map_axes:
        value.check_margins()
    return straightened(builder, op, made)
