"""Comparisons, logic, where, casts and fake quantisation of torch in a Network."""

import operator
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import torch
from torch import Tensor

from subbit.sw.importers.exact.casts import cast
from subbit.sw.importers.exact.choices import choose, compare, limit, logic
from subbit.sw.importers.exact.network_builder import NetworkBuilder
from subbit.sw.importers.exact.op import Op
from subbit.sw.importers.exact.steps import stepped
from subbit.sw.importers.exact.value import FLOAT, Const, Value, fill
from subbit.sw.importers.torch.operands import as_const, runner, with_attributes

__all__ = ["CHOICES", "CHOICE_METHODS", "PROPERTIES", "number"]

Rule = Callable[..., Any]
# ONNX's numbers of torch's types.
TYPES: dict[Any, int] = {
    torch.float32: 1,
    torch.uint8: 2,
    torch.int8: 3,
    torch.int16: 5,
    torch.int32: 6,
    torch.int64: 7,
    torch.bool: 9,
}
NAMES = {"Greater": "gt", "GreaterOrEqual": "ge", "Less": "lt", "LessOrEqual": "le", "Equal": "eq"}


def cast_to(builder: NetworkBuilder, op: Op, value: Value, kind: Any) -> Value:
    """``value`` as numbers of one of torch's types."""
    if kind not in TYPES:
        raise op.refuse(f"it makes numbers of type {kind}", "use float32, bool or integers")
    return cast(builder, with_attributes(op, "Cast", to=TYPES[kind]), [value])


def number(builder: NetworkBuilder, op: Op, x: Any) -> Any:
    """What arithmetic takes: booleans and integers as the real numbers that they are."""
    if not isinstance(x, Value):
        return as_const(x)
    return x if x.dtype == FLOAT else cast_to(builder, op, x, torch.float32)


def operand(x: Any) -> Value | Const:
    """A tensor of the network, or a constant."""
    return x if isinstance(x, Value) else as_const(x)


def comparison(kind: str) -> Rule:
    """``a kind b``."""

    def rule(builder: NetworkBuilder, op: Op, a: Any, b: Any) -> Value:
        inputs = [number(builder, op, a), number(builder, op, b)]
        return compare(builder, with_attributes(op, kind), inputs)

    return rule


def unequal(builder: NetworkBuilder, op: Op, a: Any, b: Any) -> Value:
    """``a != b``."""
    same = comparison("Equal")(builder, op, a, b)
    return logic(builder, with_attributes(op, "Not"), [same])


def connective(kind: str) -> Rule:
    """And, Or, Xor and Not of comparisons."""
    return lambda builder, op, *inputs: logic(
        builder, with_attributes(op, kind), [operand(x) for x in inputs]
    )


def where(builder: NetworkBuilder, op: Op, condition: Any, yes: Any, no: Any) -> Value:
    """torch.where of three operands."""
    branches = [number(builder, op, x) for x in (yes, no)]
    return choose(builder, with_attributes(op, "Where"), [operand(condition), *branches])


def where_method(builder: NetworkBuilder, op: Op, yes: Any, condition: Any, no: Any) -> Value:
    """``yes.where(condition, no)``."""
    return where(builder, op, condition, yes, no)


def bounded(kind: str) -> Rule:
    """minimum and maximum, clamp_max and clamp_min."""

    def rule(builder: NetworkBuilder, op: Op, a: Any, b: Any) -> Value:
        inputs = [number(builder, op, a), number(builder, op, b)]
        return limit(builder, with_attributes(op, kind), inputs)

    return rule


def to(builder: NetworkBuilder, op: Op, value: Value, *rest: Any, **named: Any) -> Value:
    """``to`` and ``type`` with a type, a device, both, or a tensor of them."""
    found = value
    for item in (*rest, *named.values()):
        if isinstance(item, Value):
            found = found if item.dtype == found.dtype else type_as(builder, op, found, item)
        elif isinstance(item, Tensor):
            found = cast_to(builder, op, found, item.dtype)
        elif isinstance(item, torch.dtype):
            found = cast_to(builder, op, found, item)
        elif not isinstance(item, torch.device | bool) and item not in ("cpu", "cuda"):
            raise op.refuse(f"it converts to {str(item)[:40]}", "name a torch.dtype")
    return found


def type_as(builder: NetworkBuilder, op: Op, value: Value, other: Any) -> Value:
    """The type of another tensor."""
    kind = getattr(torch, other.dtype) if isinstance(other, Value) else other.dtype
    return cast_to(builder, op, value, kind)


def casting(kind: torch.dtype) -> Rule:
    """float, int, long and bool."""
    return lambda builder, op, value: cast_to(builder, op, value, kind)


def alike(fill_value: float | None) -> Rule:
    """ones_like, zeros_like and full_like: one number."""

    def rule(builder: NetworkBuilder, op: Op, value: Value, *rest: Any, **named: Any) -> Tensor:
        given = rest[0] if fill_value is None and rest else named.pop("fill_value", fill_value)
        named.pop("device", None)
        if named.pop("dtype", None) not in (None, torch.float32) or named:
            raise op.refuse("it makes another type", "make float32")
        return torch.tensor(float(given))

    return rule


def same(builder: NetworkBuilder, op: Op, value: Value, *rest: Any, **named: Any) -> Value:
    """detach, clone and contiguous, which change no number."""
    return value


def fake_quantise(
    builder: NetworkBuilder,
    op: Op,
    value: Value,
    scale: Any,
    zero_point: Any,
    quant_min: int,
    quant_max: int,
) -> Value:
    """fake_quantize_per_tensor_affine: ``(clamp(round(x / s) + z, least, most) - z) * s``."""
    step, zero = Fraction(float(scale)), int(zero_point)
    if step <= 0:
        raise op.refuse(f"its scale is {float(step):g}", "use a positive scale")
    run = runner(
        value,
        lambda x: torch.fake_quantize_per_tensor_affine(x, scale, zero_point, quant_min, quant_max),
    )
    count = value.kind.channels
    grid = fill(count, -zero * step), fill(count, step)
    return stepped(op, value, run, onto=lambda before: grid)


CHOICES: dict[Any, Rule] = {
    **{getattr(torch, name): comparison(kind) for kind, name in NAMES.items()},
    **{getattr(operator, name): comparison(kind) for kind, name in NAMES.items()},
    **dict.fromkeys((operator.ne, torch.ne), unequal),
    **dict.fromkeys((operator.and_, torch.logical_and), connective("And")),
    **dict.fromkeys((operator.or_, torch.logical_or), connective("Or")),
    **dict.fromkeys((operator.xor, torch.logical_xor), connective("Xor")),
    **dict.fromkeys((operator.invert, torch.logical_not), connective("Not")),
    torch.where: where,
    **dict.fromkeys((torch.minimum, torch.clamp_max), bounded("Min")),
    **dict.fromkeys((torch.maximum, torch.clamp_min), bounded("Max")),
    torch.ones_like: alike(1.0),
    torch.zeros_like: alike(0.0),
    torch.full_like: alike(None),
    **dict.fromkeys((torch.clone, torch.detach), same),
    torch.fake_quantize_per_tensor_affine: fake_quantise,
}
CHOICE_METHODS: dict[str, Rule] = {
    **{name: comparison(kind) for kind, name in NAMES.items()},
    "ne": unequal,
    "logical_and": connective("And"),
    "logical_or": connective("Or"),
    "logical_xor": connective("Xor"),
    "logical_not": connective("Not"),
    "where": where_method,
    **{name: bounded("Min") for name in ("minimum", "clamp_max")},
    **{name: bounded("Max") for name in ("maximum", "clamp_min")},
    "to": to,
    "type": to,
    "type_as": type_as,
    "float": casting(torch.float32),
    "int": casting(torch.int32),
    "long": casting(torch.int64),
    "bool": casting(torch.bool),
    **dict.fromkeys(("contiguous", "detach", "clone"), same),
}
PROPERTIES: dict[str, Callable[[Value], Any]] = {
    "shape": lambda value: value.shape,
    "data": lambda value: value,
    "dtype": lambda value: getattr(torch, value.dtype),
    "device": lambda value: torch.device("cpu"),
    "requires_grad": lambda value: False,
    "ndim": lambda value: len(value.shape),
}
