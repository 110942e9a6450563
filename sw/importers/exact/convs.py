"""Conv and depthwise Conv, and what their zero padding means for codes."""

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subbit.sw.importers.exact.dots import (
    bias_of,
    common_scale,
    linear,
    operands,
    put,
    row_sums,
    weights_of,
)
from subbit.sw.importers.exact.network_builder import NetworkBuilder
from subbit.sw.importers.exact.op import Op
from subbit.sw.importers.exact.value import Const, Fractions, Value, fill, is_uniform
from subbit.sw.importers.exact.windows import FourPads, Window, window_of
from subbit.sw.ir import (
    Add,
    Affine,
    Conv2d,
    DepthwiseConv2d,
    Encoding,
    Layer,
    Padding,
    Threshold,
)
from subbit.sw.ir.limits import MAX_LAYER_WEIGHTS

__all__ = ["convolve"]


# An Affine layer's offsets have 40 bits.
MAX_OFFSET = (1 << 39) - 1
KERNELS = (1, 3, 5)
DEPTHWISE_KERNELS = (3, 5)


@dataclass(frozen=True, eq=False)
class Kernel:
    """Weights ``(out, in, k, k)`` of a square kernel that the Network has, and how they move.

    ``groups``: 1, or as many as channels. ``pads``: above, left, below and right; ``blank``:
    whether all weights that meet the padding are 0.
    """

    weights: Const
    stride: int
    pads: FourPads
    groups: int = 1
    blank: bool = False


def convolve(builder: NetworkBuilder, op: Op, inputs: list[Value | Const]) -> Value:
    """Conv of one group, of several, and depthwise."""
    value, weights, bias = operands(op, inputs)
    shape, groups = weights.array.shape, int(op.attributes.get("group", 1))
    if len(shape) != 4 or value.index.ndim != 3:
        raise op.refuse(f"it has weights of the shape {shape}", "use 2-D convolutions")
    if list(op.attributes.get("kernel_shape", shape[2:])) != list(shape[2:]):
        raise op.refuse("its kernel_shape is not that of its weights", "export the network again")
    margins, value = value.margins, value.without_margins()
    size = (value.index.shape[1], value.index.shape[2])
    window = window_of(op, shape[2:], size, margins)
    check_groups(op, value, shape, groups)
    offset = bias_of(op, bias, shape[0])
    if groups == 1 and window.covers(*size) and window.kernel not in SQUARES:
        return whole_map(builder, op, value, weights, offset)
    kernel = kernel_of(builder, op, weights, window, groups)
    value = builder.numbers(op, value)
    if not value.is_map:
        raise op.refuse("its input is a rearranged map", "export without transposing maps")
    padding = padding_of(op, value, kernel)
    if padding is None and not value.kind.is_code:
        value, padding = centred(builder, op, value), Padding.ZERO
    if padding is None:
        name, scale, shift = by_parts(builder, op, value, kernel)
    else:
        name, scale, shift = convolved(builder, op, value, kernel, padding)
    made = builder.made(name, scale, shift + offset, vector=False)
    builder.mark(op, made)
    return made


SQUARES = tuple((side, side) for side in KERNELS)


def whole_map(
    builder: NetworkBuilder, op: Op, value: Value, weights: Const, bias: Fractions
) -> Value:
    """A convolution whose kernel is as large as the map: a linear layer."""
    rows = rows_of(weights)
    flat = replace(value, index=value.index.reshape(-1))
    made = linear(builder, op, flat, rows, bias, Fraction(1))
    return replace(made, index=made.index.reshape(-1, 1, 1))


def rows_of(weights: Const) -> Const:
    """Weights (out, ...) as a matrix (out, in)."""
    count, scale = len(weights.array), weights.scale
    if scale is not None and scale.size > 1:
        scale = np.broadcast_to(scale, weights.array.shape).reshape(count, -1)
    return Const(weights.array.reshape(count, -1), scale)


def check_groups(op: Op, value: Value, shape: tuple[int, ...], groups: int) -> None:
    """Raise NetworkError unless the weights are those of all channels in so many groups."""
    channels = value.index.shape[0]
    if groups < 1 or shape[1] * groups != channels or shape[0] % groups:
        raise op.refuse(
            f"{groups} groups with weights {shape} and {channels} channels",
            "give weights (outputs, channels / groups, height, width)",
        )


def kernel_of(
    builder: NetworkBuilder, op: Op, weights: Const, window: Window, groups: int
) -> Kernel:
    """The weights as those of a square kernel, with zeros where the Network has no such layer.

    Zeros stand in the gaps of a dilated kernel, beside one that is not square or has an even side,
    and between groups, each at the cost of a weight.
    """
    outputs, inputs = weights.array.shape[:2]
    depthwise = groups > 1 and inputs == 1 and outputs == groups
    allowed = DEPTHWISE_KERNELS if depthwise else KERNELS
    found = embedding(window, allowed)
    if window.strides not in ((1, 1), (2, 2)) or found is None:
        sizes = ", ".join(map(str, allowed))
        raise op.refuse(
            f"a convolution of {window}",
            f"use stride 1 or 2 in both directions, and a kernel that fits into one of {sizes} "
            "with no more padding than half of that on each side",
        )
    side, top, left = found
    dense = 1 if depthwise else groups
    size = outputs * inputs * dense * side * side
    if size > MAX_LAYER_WEIGHTS:
        raise op.refuse(f"its groups make {size} weights", "use smaller layers or fewer groups")
    builder.charge(op, size)
    if dense == 1 and window.reach == window.kernel == (side, side):
        return Kernel(weights, window.strides[0], window.pads, groups if depthwise else 1)
    numbers = spread(weights.array, window, (side, top, left), dense)
    scale = weights.scale
    if scale is not None and scale.size > 1:
        rows = np.broadcast_to(scale, weights.array.shape).reshape(outputs, -1)
        if not (rows == rows[:, :1]).all():
            raise op.refuse("its weights have a scale for each input", "use one for each output")
        scale = rows[:, :1].reshape(-1, 1, 1, 1)
    pads = embedded_pads(window, side, top, left)
    blank = not any(window.pads)
    return Kernel(Const(numbers, scale), window.strides[0], pads, groups if depthwise else 1, blank)


def embedding(window: Window, sides: tuple[int, ...]) -> tuple[int, int, int] | None:
    """The least square kernel that holds the window within its own padding, and the rows and
    columns in front of it there; None without one.
    """
    for side in sides:
        places = [
            next(
                (
                    at
                    for at in range(side - reach + 1)
                    if 0 <= pad + at <= side // 2 and behind + side - reach - at <= side // 2
                ),
                None,
            )
            for reach, pad, behind in zip(
                window.reach, window.pads[:2], window.pads[2:], strict=True
            )
        ]
        if places[0] is not None and places[1] is not None:
            return side, places[0], places[1]
    return None


def embedded_pads(window: Window, side: int, top: int, left: int) -> FourPads:
    """The padding of the kernel in which the window stands, for the same output pixels."""
    above, before, below, behind = window.pads
    height, width = window.reach
    return (
        above + top,
        before + left,
        below + side - height - top,
        behind + side - width - left,
    )


def spread(
    array: NDArray[Any], window: Window, place: tuple[int, int, int], groups: int
) -> NDArray[Any]:
    """The weights in a larger kernel at a place, and for all channels, with zeros elsewhere."""
    outputs, inputs = array.shape[:2]
    side, top, left = place
    found = np.zeros((outputs, inputs * groups, side, side), array.dtype)
    rows = top + window.dilations[0] * np.arange(window.kernel[0])
    columns = left + window.dilations[1] * np.arange(window.kernel[1])
    each = outputs // groups
    for group in range(groups):
        own = np.arange(each * group, each * (group + 1))
        read = np.arange(inputs * group, inputs * (group + 1))
        found[np.ix_(own, read, rows, columns)] = array[own]
    return found


def padding_of(op: Op, value: Value, kernel: Kernel) -> Padding | None:
    """The Network's padding that stands for the source's zeros; None where codes have no such end.

    A code in the midst of others may stand for 0, as in signed activations.
    """
    bipolar = value.kind.encoding is Encoding.BIPOLAR
    if not any(kernel.pads):
        return Padding.NONE
    if kernel.blank:
        return Padding.MINUS if bipolar else Padding.ZERO
    zero, kind = -value.offset / value.scale, value.kind
    if (zero == 0).all():
        return Padding.ZERO
    ends = dict(zip(kind.value_range, (Padding.MINUS, Padding.PLUS), strict=True))
    if is_uniform(zero) and zero[0] in ends and bipolar:
        return ends[zero[0]]
    return None


def centred(builder: NetworkBuilder, op: Op, value: Value) -> Value:
    """Integers that are 0 where the source is, so that zeros may surround them."""
    zero = value.offset / value.scale
    if any(n.denominator > 1 or abs(n) > MAX_OFFSET for n in zero):
        raise op.refuse(
            "it pads with zeros, which no integer of its input stands for",
            "put a quantiser before it, or use no padding",
        )
    count = len(zero)
    layer = Affine(np.ones(count, np.int64), zero.astype(np.int64))
    name = builder.put("centre", layer, value.name, origin=[op.name])
    return replace(value, name=name, kind=builder.kind(name), offset=fill(count, 0))


def convolved(
    builder: NetworkBuilder, op: Op, value: Value, kernel: Kernel, padding: Padding
) -> tuple[str, Fractions, Fractions]:
    """Name, scale and offset of the convolution, without bias."""
    found, factors = weights_of(op, kernel.weights)
    pads = kernel.pads if padding is not Padding.NONE else None
    if kernel.groups > 1:
        value = builder.codes(op, value)
        layer: Layer = DepthwiseConv2d(found, kernel.stride, padding, pads)
        sums, scale = row_sums(found, fill(1, 1)) * value.offset, factors * value.scale
    else:
        layer = Conv2d(found, kernel.stride, padding, pads)
        sums, scale = row_sums(found, value.offset), factors * common_scale(op, value)
    return put(builder, op, "conv", layer, value), scale, factors * sums


def by_parts(
    builder: NetworkBuilder, op: Op, value: Value, kernel: Kernel
) -> tuple[str, Fractions, Fractions]:
    """The convolution of codes on both sides of 0 with zeros around them, as a sum of two.

    The codes above 0 and those below become two tensors of unsigned codes, in which 0 is 0, and the
    latter meet the weights with the other sign.
    """
    plus, minus = parts_of(builder, op, value)
    one, scale, offset = convolved(builder, op, plus, kernel, Padding.ZERO)
    negated = replace(kernel, weights=Const(-kernel.weights.array, kernel.weights.scale))
    other, same, _ = convolved(builder, op, minus, negated, Padding.ZERO)
    assert (scale == same).all()
    return builder.put("add", Add(), one, other, origin=[op.name]), scale, offset


def parts_of(builder: NetworkBuilder, op: Op, value: Value) -> tuple[Value, Value]:
    """Unsigned codes ``max(x, 0)`` and ``max(-x, 0)`` of codes x, of the same scale."""
    zero, kind = -value.offset / value.scale, value.kind
    low, gap = (-kind.high, 2) if kind.encoding is Encoding.BIPOLAR else (0, 1)
    place = Fraction(zero[0] - low) / gap
    if not is_uniform(zero) or place.denominator > 1 or not 0 <= place <= kind.high:
        raise op.refuse(
            "it pads with zeros, which no code of its input stands for",
            "quantise its input with a zero point that is an integer, or use no padding",
        )
    summed = builder.integers(op, value)
    factor = Fraction(value.scale[0] / summed.scale[0])
    below = int(place)
    # The code of 0 may be above all codes that occur.
    count = max(value.levels or kind.high + 1, below + 1)
    limits = [int((low + gap * code) * factor) for code in range(1, count)]
    ends = builder.kind(summed.name).value_range
    plus = part(builder, op, summed, limits[below:], ends[1] + 1, rising=True)
    minus = part(builder, op, summed, limits[:below], ends[0], rising=False)
    scale = value.scale * gap
    return replace(plus, scale=scale), replace(minus, scale=scale)


def part(
    builder: NetworkBuilder, op: Op, value: Value, limits: list[int], spare: int, *, rising: bool
) -> Value:
    """How many limits a number is at least, or how many it is below; ``spare`` fills them up."""
    levels = (1 << max(len(limits), 1).bit_length()) - 1
    channels = value.kind.channels
    row = np.sort([*limits, *[spare] * (levels - len(limits))])
    layer = Threshold(
        np.tile(row, (channels, 1)), np.full(channels, rising, np.uint8), Encoding.UNSIGNED
    )
    name = builder.put("part", layer, value.name, origin=[op.name])
    zeros = fill(channels, 0)
    return replace(value, name=name, kind=builder.kind(name), offset=zeros, levels=0)
