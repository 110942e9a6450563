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
from subbit.sw.importers.exact.elementwise import elementwise
from subbit.sw.importers.exact.network_builder import NetworkBuilder
from subbit.sw.importers.exact.op import Op
from subbit.sw.importers.exact.parted import by_parts
from subbit.sw.importers.exact.pools import global_average
from subbit.sw.importers.exact.rearranged import straightened
from subbit.sw.importers.exact.shapes import move
from subbit.sw.importers.exact.value import Value
from subbit.sw.importers.torch.channel_rules import (
    cat,
    chunk,
    index_select,
    interpolate,
    item,
    narrow,
    pixel_shuffle,
    shuffle,
    split,
)
from subbit.sw.importers.torch.choice_rules import CHOICE_METHODS, CHOICES, number
from subbit.sw.importers.torch.layer_rules import FACTOR
from subbit.sw.importers.torch.module_rules import (
    adaptive,
    adaptive_max,
    flattened,
    mean,
    padded,
    pool,
    prelu,
    rising,
    stairs,
    turning,
)
from subbit.sw.importers.torch.operands import as_const, with_attributes

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
    return straightened(builder, op, replace(value, index=index[0]))


def permute(builder: NetworkBuilder, op: Op, value: Value, *sides: Any) -> Value:
    """permute; the batch stays the first side."""
    value.check_margins()
    order = sides[0] if len(sides) == 1 and isinstance(sides[0], tuple | list) else sides
    if order[0] != 0:
        raise op.refuse("it moves the batch", "keep the batch as the first side")
    moved = replace(value, index=value.index[None].transpose(order)[0])
    return straightened(builder, op, moved)


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
    return by_parts(matmul)(builder, with_attributes(op, "MatMul"), [value, right])


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
    """``a kind b`` with one constant, or of two tensors."""

    def rule(builder: NetworkBuilder, op: Op, a: Any, b: Any) -> Value:
        values = [x for x in (a, b) if isinstance(x, Value)]
        if all(value.dtype == "bool" for value in values) and len(values) == 2:
            raise op.refuse("it combines two booleans", "make numbers of them by .float()")
        if len(values) == 2 and not values[0].same_base(values[1]):
            check_summands(op, values)
        inputs = [number(builder, op, x) for x in (a, b)]
        return elementwise(builder, with_attributes(op, kind), inputs)

    return rule


def check_summands(op: Op, values: list[Value]) -> None:
    """Raise NetworkError where a dot product with a real factor is added to another tensor: the
    module's sum then rounds, and the Network's does not.
    """
    if any(step.kind == FACTOR for value in values for step in value.steps):
        raise op.refuse(
            "it adds dot products that have real factors",
            "build their layers with integers=True, or put an activation before the addition",
        )


def negative(builder: NetworkBuilder, op: Op, value: Value) -> Value:
    """-x."""
    value = number(builder, op, value)
    return arithmetic(builder, with_attributes(op, "Mul"), value, [value, as_const(-1.0)])


def element(function: Callable[..., Tensor]) -> Rule:
    """A function of each element that never falls, with numbers as further arguments."""

    def rule(builder: NetworkBuilder, op: Op, value: Value, *rest: Any, **named: Any) -> Value:
        named.pop("inplace", None)
        slope = named.get(SLOPES.get(function, ""), rest[0] if rest else 0.0)
        kind = turning if function in SLOPES and slope < 0 else rising
        value = number(builder, op, value)
        return kind(builder, op, lambda x: function(x, *rest, **named), value)

    return rule


def bent(function: Callable[..., Tensor]) -> Rule:
    """A function of each element that may rise and fall."""

    def rule(builder: NetworkBuilder, op: Op, value: Value, *rest: Any, **named: Any) -> Value:
        named.pop("inplace", None)
        if any(isinstance(x, Value) for x in (*rest, *named.values())):
            raise op.refuse("it combines two tensors", "combine a tensor with numbers")
        value = number(builder, op, value)
        return turning(builder, op, lambda x: function(x, *rest, **named), value)

    return rule


def dropout(
    builder: NetworkBuilder,
    op: Op,
    x: Value,
    p: float = 0.5,
    training: bool = True,
    inplace: bool = False,
) -> Value:
    """functional.dropout, which does nothing where it is told that nothing is trained."""
    if training and p:
        raise op.refuse("it drops elements at random", "call it with training=self.training")
    return x


def heaviside(builder: NetworkBuilder, op: Op, value: Value, values: Any) -> Value:
    """heaviside, with 0 or 1 at 0."""
    middle = float(values)
    if middle not in (0.0, 1.0):
        raise op.refuse(f"it gives {middle:g} at 0", "give 0 or 1")
    return stairs(builder, op, lambda x: torch.heaviside(x, torch.tensor(middle)), value)


def step_function(function: Callable[[Tensor], Tensor]) -> Rule:
    """A function whose results are integers."""
    return lambda builder, op, value: stairs(builder, op, function, number(builder, op, value))


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


def adaptive_max_function(
    builder: NetworkBuilder, op: Op, value: Value, output_size: Any, return_indices: bool = False
) -> Value:
    """functional.adaptive_max_pool2d."""
    module = nn.AdaptiveMaxPool2d(output_size, return_indices)
    return adaptive_max(builder, op, module, value)


STEPS = (torch.sign, torch.round, torch.floor, torch.ceil, torch.trunc)
BENT = (
    *(torch.abs, torch.exp, torch.log, torch.sqrt, torch.reciprocal, torch.erf, torch.square),
    *(torch.pow, operator.pow, functional.hardswish, functional.silu, functional.gelu),
    functional.mish,
)
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
            functional.celu,
        )
    },
    torch.clip: element(torch.clamp),
    **{f: step_function(f) for f in STEPS},
    **{f: bent(f) for f in BENT},
    torch.heaviside: heaviside,
    **CHOICES,
    functional.max_pool2d: pool_function,
    functional.avg_pool2d: mean_function,
    functional.adaptive_avg_pool2d: adaptive_function,
    functional.adaptive_max_pool2d: adaptive_max_function,
    functional.pad: pad_function,
    functional.prelu: prelu_function,
    **dict.fromkeys((torch.cat, torch.concat, torch.concatenate), cat),
    torch.split: split,
    torch.chunk: chunk,
    torch.narrow: narrow,
    torch.index_select: index_select,
    operator.getitem: item,
    functional.interpolate: interpolate,
    functional.channel_shuffle: shuffle,
    functional.pixel_shuffle: pixel_shuffle,
    torch.flatten: flatten,
    torch.reshape: view,
    torch.permute: permute,
    torch.transpose: transpose,
    torch.squeeze: by_axes("Squeeze"),
    torch.unsqueeze: by_axes("Unsqueeze"),
    functional.dropout: dropout,
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
    "split": split,
    "chunk": chunk,
    "narrow": narrow,
    "index_select": index_select,
    "mean": map_mean,
    **CHOICE_METHODS,
    "neg": negative,
    "matmul": product,
    "relu": element(functional.relu),
    "clamp": element(torch.clamp),
    "tanh": element(torch.tanh),
    "sigmoid": element(torch.sigmoid),
    **{f.__name__: step_function(f) for f in STEPS},
    **{
        name: bent(getattr(torch, name))
        for name in ("abs", "exp", "square", "pow", "sqrt", "log", "erf", "reciprocal")
    },
    "add": by_constant("Add"),
    "sub": by_constant("Sub"),
    "mul": by_constant("Mul"),
    "div": by_constant("Div"),
}
