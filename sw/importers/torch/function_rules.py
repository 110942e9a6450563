"""What torch's functions and the methods of its tensors are in a Network."""

import operator
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from subbit.sw.importers.exact.arithmetic import arithmetic
from subbit.sw.importers.exact.dots import matmul
from subbit.sw.importers.exact.network_builder import NetworkBuilder
from subbit.sw.importers.exact.op import Op
from subbit.sw.importers.exact.pools import add, global_average
from subbit.sw.importers.exact.shapes import move
from subbit.sw.importers.exact.value import Value
from subbit.sw.importers.torch.module_rules import (
    adaptive,
    as_const,
    check_slope,
    flattened,
    mean,
    padded,
    pool,
    prelu,
    rising,
    stairs,
    with_attributes,
)

__all__ = ["FUNCTIONS", "METHODS"]

Rule = Callable[..., Any]
# Functions that fall below 0 where this argument is negative.
SLOPES: dict[Any, str] = {functional.leaky_relu: "negative_slope", functional.elu: "alpha"}


def flatten(
    builder: NetworkBuilder, op: Op, value: Value, start_dim: int = 0, end_dim: int = -1
) -> Value:
    """torch.flatten of everything but the batch."""
    return flattened(op, value, start_dim, end_dim)


def view(builder: NetworkBuilder, op: Op, value: Value, *sides: Any) -> Value:
    """view and reshape; the batch stays the first side."""
    value.check_margins()
    shape = sides[0] if len(sides) == 1 and isinstance(sides[0], tuple | list) else sides
    index = value.index[None].reshape([int(side) for side in shape])
    if len(index) != 1:
        raise op.refuse(f"it makes the shape {index.shape}", "keep the batch as the first side")
    return replace(value, index=index[0])


def permute(builder: NetworkBuilder, op: Op, value: Value, *sides: Any) -> Value:
    """permute; the batch stays the first side."""
    value.check_margins()
    order = sides[0] if len(sides) == 1 and isinstance(sides[0], tuple | list) else sides
    if order[0] != 0:
        raise op.refuse("it moves the batch", "keep the batch as the first side")
    return replace(value, index=value.index[None].transpose(order)[0])


def transpose(builder: NetworkBuilder, op: Op, value: Value, dim0: int, dim1: int) -> Value:
    """transpose of two sides; the batch stays the first side."""
    order = list(range(value.index.ndim + 1))
    order[dim0], order[dim1] = order[dim1], order[dim0]
    return permute(builder, op, value, order)


def by_axes(kind: str) -> Rule:
    """squeeze and unsqueeze of the named sides."""

    def rule(builder: NetworkBuilder, op: Op, value: Value, dim: Any) -> Value:
        axes = dim if isinstance(dim, tuple | list) else (dim,)
        return move(builder, with_attributes(op, kind, axes=axes), [value])

    return rule


def product(builder: NetworkBuilder, op: Op, value: Value, weights: Any) -> Value:
    """matmul with constant weights (in, out)."""
    right = weights if isinstance(weights, Value) else as_const(weights)
    return matmul(builder, with_attributes(op, "MatMul"), [value, right])


def prelu_function(builder: NetworkBuilder, op: Op, value: Value, weight: Tensor) -> Value:
    """functional.prelu with constant slopes."""
    module = nn.PReLU(weight.numel())
    module.weight.data = weight.detach().reshape(-1)
    return prelu(builder, op, module, value)


def size(builder: NetworkBuilder, op: Op, value: Value, side: int | None = None) -> Any:
    """size, with a batch of 1."""
    return value.shape if side is None else value.shape[side]


def map_mean(
    builder: NetworkBuilder, op: Op, value: Value, dim: Any = None, keepdim: bool = False
) -> Value:
    """mean over height and width."""
    axes = [dim] if isinstance(dim, int) else list(dim or ())
    given = with_attributes(op, "ReduceMean", axes=axes, keepdims=int(keepdim))
    return global_average(builder, given, [value])


def by_constant(kind: str) -> Rule:
    """``a kind b`` with one constant; Add of two tensors too."""

    def rule(builder: NetworkBuilder, op: Op, a: Any, b: Any) -> Value:
        values = [x for x in (a, b) if isinstance(x, Value)]
        if len(values) == 2:
            if kind != "Add":
                raise op.refuse("it combines two tensors", "only their sum is supported")
            return add(builder, op, [a, b])
        inputs = [x if isinstance(x, Value) else as_const(x) for x in (a, b)]
        return arithmetic(builder, with_attributes(op, kind), values[0], inputs)

    return rule


def negative(builder: NetworkBuilder, op: Op, value: Value) -> Value:
    """-x."""
    return arithmetic(builder, with_attributes(op, "Mul"), value, [value, as_const(-1.0)])


def element(function: Callable[..., Tensor]) -> Rule:
    """A function of each element that never falls, with numbers as further arguments."""

    def rule(builder: NetworkBuilder, op: Op, value: Value, *rest: Any, **named: Any) -> Value:
        named.pop("inplace", None)
        if function in SLOPES:
            check_slope(op, named.get(SLOPES[function], rest[0] if rest else 0.0))
        return rising(builder, op, lambda x: function(x, *rest, **named), value)

    return rule


def step_function(function: Callable[[Tensor], Tensor]) -> Rule:
    """A function whose results are integers."""
    return lambda builder, op, value: stairs(builder, op, function, value)


def pool_function(builder: NetworkBuilder, op: Op, value: Value, *rest: Any, **named: Any) -> Value:
    """functional.max_pool2d."""
    named.pop("return_indices", None)
    return pool(builder, op, nn.MaxPool2d(*rest, **named), value)


def pad_function(
    builder: NetworkBuilder,
    op: Op,
    x: Value,
    /,
    pad: Any,
    mode: str = "constant",
    value: float | None = None,
) -> Value:
    """functional.pad around a map."""
    return padded(builder, op, x, [int(n) for n in pad], mode, float(value or 0.0))


def mean_function(builder: NetworkBuilder, op: Op, value: Value, *rest: Any, **named: Any) -> Value:
    """functional.avg_pool2d."""
    return mean(builder, op, nn.AvgPool2d(*rest, **named), value)


def adaptive_function(builder: NetworkBuilder, op: Op, value: Value, output_size: Any) -> Value:
    """functional.adaptive_avg_pool2d."""
    return adaptive(builder, op, nn.AdaptiveAvgPool2d(output_size), value)


FUNCTIONS: dict[Any, Rule] = {
    **dict.fromkeys((operator.add, torch.add), by_constant("Add")),
    **dict.fromkeys((operator.sub, torch.sub), by_constant("Sub")),
    **dict.fromkeys((operator.mul, torch.mul), by_constant("Mul")),
    **dict.fromkeys((operator.truediv, torch.div), by_constant("Div")),
    **dict.fromkeys((operator.neg, torch.neg), negative),
    **dict.fromkeys((operator.matmul, torch.matmul), product),
    **dict.fromkeys((torch.relu, functional.relu), element(functional.relu)),
    **{
        f: element(f)
        for f in (
            *(functional.relu6, functional.hardtanh, functional.leaky_relu, torch.tanh),
            *(torch.sigmoid, torch.clamp, functional.hardsigmoid, functional.softsign),
            *(functional.elu, functional.selu, functional.softplus, functional.logsigmoid),
        )
    },
    torch.clip: element(torch.clamp),
    **{f: step_function(f) for f in (torch.sign, torch.round, torch.floor, torch.ceil)},
    functional.max_pool2d: pool_function,
    functional.avg_pool2d: mean_function,
    functional.adaptive_avg_pool2d: adaptive_function,
    functional.pad: pad_function,
    functional.prelu: prelu_function,
    torch.flatten: flatten,
    torch.reshape: view,
    torch.permute: permute,
    torch.transpose: transpose,
    torch.squeeze: by_axes("Squeeze"),
    torch.unsqueeze: by_axes("Unsqueeze"),
    functional.dropout: lambda b, op, x, *rest, **named: x,
    torch.mean: map_mean,
}
METHODS: dict[str, Rule] = {
    **dict.fromkeys(("view", "reshape"), view),
    "flatten": flatten,
    "permute": permute,
    "transpose": transpose,
    "squeeze": by_axes("Squeeze"),
    "unsqueeze": by_axes("Unsqueeze"),
    "size": size,
    "mean": map_mean,
    **dict.fromkeys(("contiguous", "float"), lambda b, op, x: x),
    "neg": negative,
    "matmul": product,
    "relu": element(functional.relu),
    "clamp": element(torch.clamp),
    "tanh": element(torch.tanh),
    "sigmoid": element(torch.sigmoid),
    **{name: step_function(getattr(torch, name)) for name in ("sign", "round", "floor", "ceil")},
    "add": by_constant("Add"),
    "sub": by_constant("Sub"),
    "mul": by_constant("Mul"),
    "div": by_constant("Div"),
}
