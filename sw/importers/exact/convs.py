"""Conv and depthwise Conv, and what their zero padding means for codes."""

from dataclasses import replace
from fractions import Fraction

import numpy as np

from subbit.sw.importers.exact.dots import (
    bias_of,
    common_scale,
    operands,
    put,
    row_sums,
    weights_of,
)
from subbit.sw.importers.exact.network_builder import NetworkBuilder
from subbit.sw.importers.exact.op import Op
from subbit.sw.importers.exact.value import Const, Fractions, Value, fill, is_uniform
from subbit.sw.ir import (
    Add,
    Conv2d,
    DepthwiseConv2d,
    Encoding,
    Layer,
    Padding,
    Threshold,
)

__all__ = ["convolve", "window_of"]


def window_of(op: Op, kernel: tuple[int, ...]) -> tuple[int, int, int]:
    """Side, stride and padding of a square window; raises NetworkError for any other."""
    side = kernel[0]
    take = op.attributes.get
    strides, pads = tuple(take("strides", (1, 1))), tuple(take("pads", (0,) * 4))
    if (
        take("auto_pad", "NOTSET") in ("SAME_UPPER", "SAME_LOWER")
        and side % 2
        and strides == (1, 1)
    ):
        pads = (side // 2,) * 4
    elif take("auto_pad", "NOTSET") not in ("NOTSET", "VALID"):
        raise op.refuse("its padding is left to the runtime", "export with numbers as pads")
    square = len(kernel) == 2 and kernel[0] == kernel[1] and strides == (strides[0],) * 2
    if not square or tuple(take("dilations", (1, 1))) != (1, 1) or pads != (pads[0],) * 4:
        raise op.refuse(
            f"kernel {list(kernel)}, strides {list(strides)}, pads {list(pads)} or its dilation "
            "are not the same in both directions",
            "use a square window, stride and padding without dilation",
        )
    return side, int(strides[0]), int(pads[0])


def padding_of(op: Op, value: Value, side: int, pad: int) -> Padding | None:
    """The Network's padding that stands for the source's zeros; None where codes have no such end.

    A code in the midst of others may stand for 0, as in signed activations.
    """
    if not pad:
        return Padding.NONE
    if pad != side // 2:
        raise op.refuse(f"padding {pad} of a {side}x{side} kernel", f"pad by 0 or {side // 2}")
    zero, kind = -value.offset / value.scale, value.kind
    if (zero == 0).all():
        return Padding.ZERO
    ends = dict(zip(kind.value_range, (Padding.MINUS, Padding.PLUS), strict=True))
    if is_uniform(zero) and zero[0] in ends and kind.encoding is Encoding.BIPOLAR:
        return ends[zero[0]]
    return None


def convolve(builder: NetworkBuilder, op: Op, inputs: list[Value | Const]) -> Value:
    """Conv and depthwise Conv."""
    value, weights, bias = operands(op, inputs)
    shape, groups = weights.array.shape, int(op.attributes.get("group", 1))
    if len(shape) != 4 or value.index.ndim != 3:
        raise op.refuse("it is not a convolution of images", "use 2-D convolutions")
    if list(op.attributes.get("kernel_shape", shape[2:])) != list(shape[2:]):
        raise op.refuse("its kernel_shape is not that of its weights", "export the network again")
    value = builder.codes(op, value)
    check_groups(op, value, shape, groups)
    side, stride, pad = window_of(op, shape[2:])
    padding = padding_of(op, value, side, pad)
    if padding is None:
        name, scale, offset = by_parts(builder, op, value, weights, stride)
    else:
        name, scale, offset = convolved(builder, op, value, weights, stride, padding)
    offset = offset + bias_of(op, bias, shape[0])
    made = builder.made(name, scale, offset, vector=False)
    builder.mark(op, made)
    return made


def check_groups(op: Op, value: Value, shape: tuple[int, ...], groups: int) -> None:
    """Raise NetworkError unless the weights are those of all channels, or of each by itself."""
    channels = value.kind.channels
    if not value.is_map:
        raise op.refuse("its input is a rearranged map", "export without transposing maps")
    if groups not in (1, channels) or shape[1] * groups != channels:
        raise op.refuse(
            f"{groups} groups with weights {shape} and {channels} channels",
            "use one group, or as many as channels",
        )
    if groups > 1 and shape[0] != channels:
        raise op.refuse(
            f"{shape[0]} outputs of {channels} depthwise channels", "use one output a channel"
        )


def convolved(
    builder: NetworkBuilder, op: Op, value: Value, weights: Const, stride: int, padding: Padding
) -> tuple[str, Fractions, Fractions]:
    """Name, scale and offset of the convolution of codes, without bias."""
    found, factors = weights_of(op, weights)
    if weights.array.shape[1] < value.kind.channels:
        layer: Layer = DepthwiseConv2d(found, stride, padding)
        sums, scale = row_sums(found, fill(1, 1)) * value.offset, factors * value.scale
    else:
        layer = Conv2d(found, stride, padding)
        sums, scale = row_sums(found, value.offset), factors * common_scale(op, value)
    return put(builder, op, "conv", layer, value), scale, factors * sums


def by_parts(
    builder: NetworkBuilder, op: Op, value: Value, weights: Const, stride: int
) -> tuple[str, Fractions, Fractions]:
    """The convolution of codes on both sides of 0 with zeros around them, as a sum of two.

    The codes above 0 and those below become two tensors of unsigned codes, in which 0 is 0, and the
    latter meet the weights with the other sign.
    """
    plus, minus = parts_of(builder, op, value)
    one, scale, offset = convolved(builder, op, plus, weights, stride, Padding.ZERO)
    negated = Const(-weights.array, weights.scale)
    other, same, _ = convolved(builder, op, minus, negated, stride, Padding.ZERO)
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
    count = value.levels or kind.high + 1
    limits = [int((low + gap * code) * factor) for code in range(1, count)]
    below = int(place)
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
