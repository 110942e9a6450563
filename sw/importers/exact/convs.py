"""Conv and depthwise Conv, and what their zero padding means for codes."""

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from subbit.sw.importers.exact.dots import (
    bias_of,
    common_scale,
    linear,
    operands,
    put,
    row_sums,
    weights_of,
)
from subbit.sw.importers.exact.lines import lines_too
from subbit.sw.importers.exact.network_builder import NetworkBuilder
from subbit.sw.importers.exact.op import Op
from subbit.sw.importers.exact.value import Const, Fractions, Value, fill, is_uniform
from subbit.sw.importers.exact.windows import window_of
from subbit.sw.ir import (
    Add,
    Affine,
    Conv2d,
    DepthwiseConv2d,
    Encoding,
    Layer,
    Padding,
    Threshold,
    Weights,
)
from subbit.sw.ir.layers.convolution import MAX_DILATION, MAX_KERNEL, MAX_STRIDE
from subbit.sw.ir.window import Window

__all__ = ["convolve"]


# An Affine layer's offsets have 40 bits.
MAX_OFFSET = (1 << 39) - 1


@dataclass(frozen=True, eq=False)
class Kernels:
    """Weights ``(out, in, kh, kw)``, how they move, and in how many groups of the channels."""

    weights: Const
    window: Window
    groups: int = 1

    @property
    def depthwise(self) -> bool:
        """Whether every channel has one kernel of its own."""
        outputs, inputs = self.weights.array.shape[:2]
        return self.groups > 1 and inputs == 1 and outputs == self.groups


@lines_too
def convolve(builder: NetworkBuilder, op: Op, inputs: list[Value | Const]) -> Value:
    """Conv of any window and number of groups, depthwise ones among them."""
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
    check_window(op, window)
    kernel = Kernels(weights, window, groups)
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


# Kernels that stay convolutions where they are as large as the map.
SQUARES = ((1, 1), (3, 3), (5, 5))


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


def check_window(op: Op, window: Window) -> None:
    """Raise NetworkError where the Network has no such convolution."""
    most = zip(window.pads, window.most_pads, strict=True)
    sides, steps = max(window.kernel), max(window.strides)
    fits = sides <= MAX_KERNEL and steps <= MAX_STRIDE and max(window.dilations) <= MAX_DILATION
    if not fits or any(pad > limit for pad, limit in most):
        raise op.refuse(
            f"a convolution of {window}",
            f"use kernels of up to {MAX_KERNEL} rows and columns, strides of up to {MAX_STRIDE}, "
            f"dilations of up to {MAX_DILATION}, and less padding than the kernel reaches",
        )


def padding_of(op: Op, value: Value, kernel: Kernels) -> Padding | None:
    """The Network's padding that stands for the source's zeros; None where codes have no such end.

    A code in the midst of others may stand for 0, as in signed activations.
    """
    bipolar = value.kind.encoding is Encoding.BIPOLAR
    if not any(kernel.window.pads):
        return Padding.NONE
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
            fixed=True,
        )
    count = len(zero)
    layer = Affine(np.ones(count, np.int64), zero.astype(np.int64))
    name = builder.put("centre", layer, value.name, origin=[op.name])
    return replace(value, name=name, kind=builder.kind(name), offset=fill(count, 0))


def convolved(
    builder: NetworkBuilder, op: Op, value: Value, kernel: Kernels, padding: Padding
) -> tuple[str, Fractions, Fractions]:
    """Name, scale and offset of the convolution, without bias."""
    found, factors = weights_of(op, kernel.weights)
    window, groups = kernel.window, kernel.groups
    pads = window.pads if padding is not Padding.NONE else None
    moves = (window.strides, padding, pads, window.dilations)
    if kernel.depthwise:
        value = builder.codes(op, value)
        layer: Layer = DepthwiseConv2d(found, *moves)
        sums, scale = row_sums(found, fill(1, 1)) * value.offset, factors * value.scale
    else:
        layer = Conv2d(found, *moves, groups)
        sums, scale = (
            grouped_sums(found, value.offset, groups),
            factors * group_scales(op, value, len(factors), groups),
        )
    return put(builder, op, "conv", layer, value), scale, factors * sums


def grouped_sums(weights: Weights, offset: Fractions, groups: int) -> Fractions:
    """``row_sums`` where each output reads the offsets of its group."""
    if groups == 1 or is_uniform(offset):
        return row_sums(weights, offset)
    numbers = weights.dense().reshape(*weights.shape[:2], -1).sum(axis=2).astype(object)
    each = np.repeat(offset.reshape(groups, -1), weights.shape[0] // groups, axis=0)
    return np.asarray((numbers * each).sum(axis=1), object)


def group_scales(op: Op, value: Value, outputs: int, groups: int) -> Fractions:
    """The one scale of all channels that an output reads, ``(outputs,)``."""
    parts = value.scale.reshape(groups, -1)
    scales = [common_scale(op, replace(value, scale=part)) for part in parts]
    return np.repeat(np.array(scales, object), outputs // groups)


def by_parts(
    builder: NetworkBuilder, op: Op, value: Value, kernel: Kernels
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
