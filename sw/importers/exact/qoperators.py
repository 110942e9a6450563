"""Operators on integers: QLinearConv, QLinearMatMul and their kin, of ONNX and of onnxruntime.

A tensor of the source holds integers of 8 bits here, which stand for ``(x - zero) * scale``. Sums
are exact; each operator then multiplies by a float32 for each output, rounds half to even, and
saturates.
"""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subbit.sw.importers.exact.codes import codes_on_demand
from subbit.sw.importers.exact.convs import convolve
from subbit.sw.importers.exact.dots import gemm, matmul
from subbit.sw.importers.exact.network_builder import NetworkBuilder
from subbit.sw.importers.exact.op import Op, with_places
from subbit.sw.importers.exact.pools import global_average
from subbit.sw.importers.exact.steps import check_type, stepped, whole
from subbit.sw.importers.exact.sums import add
from subbit.sw.importers.exact.value import Const, Floats, Value, exact, fill

__all__ = [
    "conv_integer",
    "matmul_integer",
    "q_gemm",
    "qlinear_add",
    "qlinear_conv",
    "qlinear_matmul",
    "qlinear_mean",
]

Array = NDArray[Any]
Places = dict[int, Value | Const]
EIGHT_BITS = ("uint8", "int8")


def constant(op: Op, inputs: Places, place: int, default: Any = None) -> Array:
    """The constant input at a place; raises NetworkError where it is none."""
    found = inputs.get(place)
    if found is None and default is not None:
        return np.asarray(default)
    if not isinstance(found, Const):
        raise op.refuse(f"its input {place} is not constant", "export it as an initializer")
    return np.asarray(found.array if found.scale is None else found.real())


def scale_at(op: Op, inputs: Places, place: int) -> Floats:
    """The scales at a place, ``(n,)``."""
    numbers = np.asarray(constant(op, inputs, place), np.float32).reshape(-1)
    if not numbers.size or not np.isfinite(numbers).all() or (numbers <= 0).any():
        raise op.refuse("a scale is not positive", "export positive scales")
    return numbers


def one(op: Op, numbers: Array, what: str) -> Any:
    """The number of an array of one."""
    if numbers.size != 1:
        raise op.refuse(f"it has {numbers.size} numbers as {what}", "give one for the tensor")
    return numbers.reshape(-1)[0]


def less_zero(
    builder: NetworkBuilder, op: Op, inputs: Places, place: int, zero_place: int, factor: Any = 1
) -> Value:
    """``(x - zero) * factor`` of the tensor at a place, as real numbers."""
    value = inputs[place]
    if not isinstance(value, Value):
        raise op.refuse("its first operand is constant", "put the tensor first")
    check_type(op, value, *EIGHT_BITS)
    zero = constant(op, inputs, zero_place, np.zeros(1, value.dtype))
    if zero.dtype.name != value.dtype:
        raise op.refuse(
            f"its zero point is {zero.dtype.name}, its input {value.dtype}", "export it again"
        )
    number, times = np.float32(one(op, zero, "zero point")), np.float32(factor)
    # Once for all that read them.
    value = codes_on_demand(builder, op, value) or value
    count = value.kind.channels
    slope = fill(count, exact(times.reshape(1))[0])
    shift = -fill(count, exact(number.reshape(1))[0]) * slope
    return stepped(unnamed(op), value, lambda x: (x - number) * times, slope=slope, shift=shift)


def weights_at(op: Op, inputs: Places, place: int, zero_place: int, axis: int) -> Const:
    """Integer weights less their zero points, of all or along an axis."""
    weights = constant(op, inputs, place)
    zero = constant(op, inputs, zero_place, np.zeros(1, weights.dtype))
    if weights.dtype.name not in EIGHT_BITS or zero.dtype != weights.dtype:
        raise op.refuse(f"its weights are {weights.dtype.name}", "use weights of 8 bits")
    sides = [1] * weights.ndim
    if zero.size > 1:
        sides[axis] = -1
    return Const(weights.astype(np.float32) - zero.reshape(sides).astype(np.float32))


def unnamed(op: Op, **attributes: Any) -> Op:
    """The operator for a rule whose sums are no tensor of the source."""
    return replace(op, outputs=("",), attributes={**op.attributes, **attributes})


def channel_numbers(value: Value, numbers: Floats) -> Floats:
    """Numbers of each output, in the order of the Network's channels."""
    if numbers.size == 1:
        return np.full(value.kind.channels, numbers[0])
    sides = (-1, *[1] * (value.index.ndim - 1))
    found = value.channels_of(numbers.reshape(sides))
    if found is None:
        raise ValueError("its scales differ within a channel")
    return np.asarray(found, np.float32)


def requantised(op: Op, value: Value, factors: Floats, zero: Array) -> Value:
    """``saturate(round(x * factor) + zero)``, integers of the zero point's type."""
    if zero.dtype.name not in EIGHT_BITS:
        raise op.refuse(f"its result is {zero.dtype.name}", "quantise to 8 bits")
    times, middle = channel_numbers(value, factors), np.float32(one(op, zero, "zero point"))
    ends = np.iinfo(zero.dtype)

    def run(x: Floats) -> Floats:
        """The operator as onnxruntime rounds it."""
        bounded = np.clip(x * times, ends.min - middle, ends.max - middle)
        return np.asarray(np.rint(bounded) + middle, np.float32)

    return stepped(op, value, run, onto=whole(value), gives=zero.dtype.name)


def qlinear_conv(builder: NetworkBuilder, op: Op, inputs: list[Value | Const]) -> Value:
    """QLinearConv."""
    given = with_places(op, inputs)
    operands: list[Value | Const] = [
        less_zero(builder, op, given, 0, 2),
        weights_at(op, given, 3, 5, 0),
    ]
    if 8 in given:
        operands.append(Const(constant(op, given, 8)))
    value = convolve(builder, unnamed(op), operands)
    factors = one(op, scale_at(op, given, 1), "scale") * scale_at(op, given, 4)
    factors = factors / one(op, scale_at(op, given, 6), "scale")
    return requantised(op, value, factors, constant(op, given, 7))


def qlinear_matmul(builder: NetworkBuilder, op: Op, inputs: list[Value | Const]) -> Value:
    """QLinearMatMul with constant weights (in, out)."""
    given = with_places(op, inputs)
    operands: list[Value | Const] = [
        less_zero(builder, op, given, 0, 2),
        weights_at(op, given, 3, 5, 1),
    ]
    value = matmul(builder, unnamed(op), operands)
    factors = one(op, scale_at(op, given, 1), "scale") * scale_at(op, given, 4)
    factors = factors / one(op, scale_at(op, given, 6), "scale")
    return requantised(op, value, factors, constant(op, given, 7))


def q_gemm(builder: NetworkBuilder, op: Op, inputs: list[Value | Const]) -> Value:
    """onnxruntime's QGemm, which gives integers, or real numbers where it has no scale for them."""
    given = with_places(op, inputs)
    turned = bool(op.attributes["transB"])
    weights = weights_at(op, given, 3, 5, 0 if turned else 1)
    operands: list[Value | Const] = [less_zero(builder, op, given, 0, 2), weights]
    if 6 in given:
        operands.append(Const(constant(op, given, 6)))
    value = gemm(builder, unnamed(op, alpha=1.0, beta=1.0), operands)
    factors = np.float32(op.attributes["alpha"]) * one(op, scale_at(op, given, 1), "scale")
    factors = factors * scale_at(op, given, 4)
    if 7 in given:
        factors = factors / one(op, scale_at(op, given, 7), "scale")
        return requantised(op, value, factors, constant(op, given, 8, np.zeros(1, np.uint8)))
    times = channel_numbers(value, factors)
    none = fill(value.kind.channels, 0)
    made = stepped(op, value, lambda x: x * times, slope=exact(times), shift=none)
    made = builder.settled(op, made)
    builder.mark(op, made)
    return made


def conv_integer(builder: NetworkBuilder, op: Op, inputs: list[Value | Const]) -> Value:
    """ConvInteger, whose sums are integers of 32 bits."""
    given = with_places(op, inputs)
    operands: list[Value | Const] = [
        less_zero(builder, op, given, 0, 2),
        weights_at(op, given, 1, 3, 0),
    ]
    return of_32_bits(op, convolve(builder, unnamed(op), operands))


def matmul_integer(builder: NetworkBuilder, op: Op, inputs: list[Value | Const]) -> Value:
    """MatMulInteger, whose sums are integers of 32 bits."""
    given = with_places(op, inputs)
    operands: list[Value | Const] = [
        less_zero(builder, op, given, 0, 2),
        weights_at(op, given, 1, 3, 1),
    ]
    return of_32_bits(op, matmul(builder, unnamed(op), operands))


def of_32_bits(op: Op, value: Value) -> Value:
    """The same numbers, of type int32."""
    count = value.kind.channels
    return stepped(
        op, value, lambda x: x, slope=fill(count, 1), shift=fill(count, 0), gives="int32"
    )


def qlinear_add(builder: NetworkBuilder, op: Op, inputs: list[Value | Const]) -> Value:
    """onnxruntime's QLinearAdd of two tensors."""
    given = with_places(op, inputs)
    parts: list[Value | Const] = [
        less_zero(
            builder, op, given, place, place + 2, one(op, scale_at(op, given, place + 1), "scale")
        )
        for place in (0, 3)
    ]
    value = add(builder, replace(unnamed(op), kind="Add"), parts)
    scale = one(op, scale_at(op, given, 6), "scale")
    zero = constant(op, given, 7, np.zeros(1, np.uint8))
    middle, ends = np.float32(one(op, zero, "zero point")), np.iinfo(zero.dtype)

    def run(x: Floats) -> Floats:
        """The operator, which adds the zero point before it rounds."""
        return np.asarray(np.clip(np.rint(x / scale + middle), ends.min, ends.max), np.float32)

    return stepped(op, value, run, onto=whole(value), gives=zero.dtype.name)


def qlinear_mean(builder: NetworkBuilder, op: Op, inputs: list[Value | Const]) -> Value:
    """onnxruntime's QLinearGlobalAveragePool."""
    given = with_places(op, inputs)
    value = less_zero(builder, op, given, 0, 2)
    made = global_average(builder, unnamed(op), [value])
    count = np.float32(value.kind.height * value.kind.width)
    factor = one(op, scale_at(op, given, 1), "scale")
    factor = factor / (one(op, scale_at(op, given, 3), "scale") * count)
    channels = made.kind.channels
    none = fill(channels, 0)
    sums = stepped(
        unnamed(op),
        made,
        lambda x: np.rint(x * count),
        slope=fill(channels, int(count)),
        shift=none,
    )
    zero = constant(op, given, 4, np.zeros(1, np.uint8))
    return requantised(op, sums, np.asarray(factor, np.float32).reshape(1), zero)
