"""Conv, depthwise Conv, MatMul and Gemm."""

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from subbit.sw.errors import NetworkError
from subbit.sw.importers.builder import Builder
from subbit.sw.importers.integers import Inexact, as_integers, as_weights
from subbit.sw.importers.op import Op
from subbit.sw.importers.value import Const, Fractions, Value, exact, fill, is_uniform
from subbit.sw.ir import (
    Conv2d,
    DepthwiseConv2d,
    Encoding,
    Layer,
    Linear,
    Padding,
    Weights,
)

__all__ = ["convolve", "gemm", "matmul", "window_of"]

Ints = NDArray[np.int64]


def weights_of(op: Op, weights: Const) -> tuple[Weights, Fractions]:
    """The Network's weights and the factor of every output, ``(out,)``, exactly."""
    if not weights.array.size or not np.isfinite(np.asarray(weights.real(), np.float64)).all():
        raise op.refuse("its weights are empty, NaN or infinite", "train and export it again")
    try:
        numbers, factors = as_integers(weights)
        found, factor = as_weights(numbers)
    except Inexact as error:
        raise op.refuse(
            str(error), "quantise the weights to 1 to 8 bits with one scale an output (or layer)"
        ) from None
    return found, factors * factor


def operands(op: Op, inputs: list[Value | Const]) -> tuple[Value, Const, Const | None]:
    """Input, weights and bias of a dot product."""
    bias = inputs[2] if len(inputs) > 2 else None
    if not isinstance(inputs[0], Value) or not isinstance(inputs[1], Const):
        raise op.refuse("its weights are not constant", "export with the weights as initializers")
    if isinstance(bias, Value):
        raise op.refuse("its bias is not constant", "export with the bias as an initializer")
    return inputs[0], inputs[1], bias


def common_scale(op: Op, value: Value) -> Fraction:
    """The one scale of all channels, which a sum over channels needs."""
    if not is_uniform(value.scale):
        raise op.refuse(
            "the channels of its input have different scales",
            "quantise the input with one scale for all channels",
        )
    return Fraction(value.scale[0])


def bias_of(op: Op, bias: Const | None, count: int) -> Fractions:
    """The bias of every output, exact; zeros without one."""
    if bias is None:
        return fill(count, 0)
    numbers = np.asarray(bias.real(), np.float64).reshape(-1)
    if len(numbers) not in (1, count):
        raise op.refuse(f"{len(numbers)} biases for {count} outputs", "export the network again")
    return np.broadcast_to(exact(numbers), (count,)).copy()


def put(builder: Builder, op: Op, stem: str, layer: Layer, value: Value) -> str:
    """Append the layer of a dot product; errors of the Network name the node."""
    try:
        return builder.put(stem, layer, value.name, origin=[op.name])
    except NetworkError as error:
        raise op.refuse(str(error), "change the layer and export again") from None


def row_sums(weights: Weights, offset: Fractions) -> Fractions:
    """``sum over i of w[o, i] * offset[i]``, over all taps of a kernel, ``(out,)``."""
    numbers = weights.dense()
    numbers = numbers.reshape(*numbers.shape[:2], -1).sum(axis=2)
    if is_uniform(offset):
        return np.asarray(numbers.sum(axis=1).astype(object) * offset[0], object)
    return np.asarray((numbers.astype(object) * offset).sum(axis=1), object)


def finish(
    builder: Builder, op: Op, name: str, scale: Fractions, offset: Fractions, *, vector: bool
) -> Value:
    """The value of a dot product, to be compared with the source's."""
    value = builder.made(name, scale, offset, vector=vector)
    builder.mark(op, value)
    return value


def linear(
    builder: Builder, op: Op, value: Value, weights: Const, bias: Fractions, alpha: Fraction
) -> Value:
    """A linear layer with weights (out, in) in the order of the source."""
    if value.index.ndim != 1 or value.index.size != weights.array.shape[1]:
        raise op.refuse(
            f"its input has the shape {value.shape}, its weights want {weights.array.shape[1]}",
            "flatten the tensor to (1, inputs) before it",
        )
    value = builder.codes(op, builder.flattened(op, value))
    order = np.argsort(value.index)
    if not np.array_equal(value.index[order], np.arange(value.kind.elements)):
        raise op.refuse("it reads only some of the elements", "use all of them")
    found, factors = weights_of(op, reordered(weights, order))
    factors = factors * alpha
    name = put(builder, op, "fc", Linear(found), value)
    offset = factors * row_sums(found, value.offset) + bias
    return finish(builder, op, name, factors * common_scale(op, value), offset, vector=True)


def reordered(weights: Const, order: Ints) -> Const:
    """The weights (out, in) with their columns in another order."""
    scale = weights.scale
    if scale is not None and scale.size > 1:
        scale = np.broadcast_to(scale, weights.array.shape)[:, order]
    return Const(weights.array[:, order], scale)


def turned(weights: Const) -> Const:
    """The transpose of a matrix."""
    scale = weights.scale
    if scale is not None and scale.size > 1:
        scale = np.broadcast_to(scale, weights.array.shape).T
    return Const(weights.array.T, scale)


def matmul(builder: Builder, op: Op, inputs: list[Value | Const]) -> Value:
    """MatMul of a tensor with constant weights (in, out)."""
    value, weights, _ = operands(op, inputs[:2])
    if weights.array.ndim != 2:
        raise op.refuse(
            f"its weights have the shape {weights.array.shape}", "use weights (inputs, outputs)"
        )
    bias = fill(weights.array.shape[1], 0)
    return linear(builder, op, value, turned(weights), bias, Fraction(1))


def gemm(builder: Builder, op: Op, inputs: list[Value | Const]) -> Value:
    """Gemm: ``alpha * x @ w + beta * bias``."""
    value, weights, bias = operands(op, inputs)
    if weights.array.ndim != 2 or op.attributes.get("transA"):
        raise op.refuse("its input is transposed, or its weights are no matrix", "use x @ w + b")
    if not op.attributes.get("transB"):
        weights = turned(weights)
    alpha, beta = (Fraction(float(op.attributes.get(name, 1.0))) for name in ("alpha", "beta"))
    return linear(builder, op, value, weights, beta * bias_of(op, bias, len(weights.array)), alpha)


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


def padding_of(op: Op, value: Value, side: int, pad: int) -> Padding:
    """The Network's padding that stands for the source's zeros."""
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
    raise op.refuse(
        "it pads with zeros, which the codes of its input cannot stand for",
        "quantise its input unsigned or to one bit, or use no padding",
    )


def convolve(builder: Builder, op: Op, inputs: list[Value | Const]) -> Value:
    """Conv and depthwise Conv."""
    value, weights, bias = operands(op, inputs)
    shape, groups = weights.array.shape, int(op.attributes.get("group", 1))
    if len(shape) != 4 or value.index.ndim != 3:
        raise op.refuse("it is not a convolution of images", "use 2-D convolutions")
    value = builder.codes(op, value)
    if not value.is_map:
        raise op.refuse("its input is a rearranged map", "export without transposing maps")
    channels = value.kind.channels
    if groups not in (1, channels) or shape[1] * groups != channels:
        raise op.refuse(
            f"{groups} groups with weights {shape} and {channels} channels",
            "use one group, or as many as channels",
        )
    if groups > 1 and shape[0] != channels:
        raise op.refuse(
            f"{shape[0]} outputs of {channels} depthwise channels", "use one output a channel"
        )
    side, stride, pad = window_of(op, shape[2:])
    padding = padding_of(op, value, side, pad)
    found, factors = weights_of(op, weights)
    extra = bias_of(op, bias, shape[0])
    if groups > 1 and channels > 1:
        layer: Layer = DepthwiseConv2d(found, stride, padding)
        sums = row_sums(found, fill(1, 1)) * value.offset
        scale = factors * value.scale
    else:
        layer = Conv2d(found, stride, padding)
        sums = row_sums(found, value.offset)
        scale = factors * common_scale(op, value)
    name = put(builder, op, "conv", layer, value)
    return finish(builder, op, name, scale, factors * sums + extra, vector=False)
