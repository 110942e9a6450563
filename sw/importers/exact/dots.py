"""Conv, depthwise Conv, MatMul and Gemm."""

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from subbit.sw.errors import NetworkError
from subbit.sw.importers.exact.integers import Inexact, as_integers, as_weights
from subbit.sw.importers.exact.network_builder import NetworkBuilder
from subbit.sw.importers.exact.op import Op
from subbit.sw.importers.exact.value import Const, Fractions, Value, exact, fill, is_uniform
from subbit.sw.ir import (
    Layer,
    Linear,
    Weights,
)

__all__ = [
    "bias_of",
    "common_scale",
    "gemm",
    "linear",
    "matmul",
    "operands",
    "put",
    "row_sums",
    "weights_of",
]

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
            fixed=True,
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


def put(builder: NetworkBuilder, op: Op, stem: str, layer: Layer, value: Value) -> str:
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
    builder: NetworkBuilder, op: Op, name: str, scale: Fractions, offset: Fractions, *, vector: bool
) -> Value:
    """The value of a dot product, to be compared with the source's."""
    value = builder.made(name, scale, offset, vector=vector)
    builder.mark(op, value)
    return value


def linear(
    builder: NetworkBuilder, op: Op, value: Value, weights: Const, bias: Fractions, alpha: Fraction
) -> Value:
    """A linear layer with weights (out, in) in the order of the source."""
    if value.index.ndim != 1 or value.index.size != weights.array.shape[1]:
        raise op.refuse(
            f"its input has the shape {value.shape}, its weights want {weights.array.shape[1]}",
            "flatten the tensor to (1, inputs) before it",
        )
    value = builder.numbers(op, builder.flattened(op, value))
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


def matmul(builder: NetworkBuilder, op: Op, inputs: list[Value | Const]) -> Value:
    """MatMul of a tensor with constant weights (in, out)."""
    value, weights, _ = operands(op, inputs[:2])
    if weights.array.ndim != 2:
        raise op.refuse(
            f"its weights have the shape {weights.array.shape}", "use weights (inputs, outputs)"
        )
    bias = fill(weights.array.shape[1], 0)
    return linear(builder, op, value, turned(weights), bias, Fraction(1))


def gemm(builder: NetworkBuilder, op: Op, inputs: list[Value | Const]) -> Value:
    """Gemm: ``alpha * x @ w + beta * bias``."""
    value, weights, bias = operands(op, inputs)
    if weights.array.ndim != 2 or op.attributes.get("transA"):
        raise op.refuse("its input is transposed, or its weights are no matrix", "use x @ w + b")
    if not op.attributes.get("transB"):
        weights = turned(weights)
    alpha, beta = (Fraction(float(op.attributes.get(name, 1.0))) for name in ("alpha", "beta"))
    return linear(builder, op, value, weights, beta * bias_of(op, bias, len(weights.array)), alpha)
