"""Operations on each element, of a tensor and constants or of several tensors of one origin."""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subbit.sw.importers.exact.arithmetic import per_channel
from subbit.sw.importers.exact.fold import numbers_of
from subbit.sw.importers.exact.network_builder import NetworkBuilder
from subbit.sw.importers.exact.op import Op
from subbit.sw.importers.exact.value import (
    FLOAT,
    Const,
    ElementStep,
    Floats,
    Grid,
    Value,
    fill,
)

__all__ = ["between", "check_type", "combined", "extremes", "stepped", "whole"]


def whole(value: Value) -> Callable[[Grid | None], Grid]:
    """The grid of integers."""
    count = value.kind.channels
    return lambda before: (fill(count, 0), fill(count, 1))


def between(low: Floats, high: Floats) -> Callable[[Grid | None], Grid | None]:
    """A grid between two limits for each channel, which must lie on it or be infinite."""

    def onto(before: Grid | None) -> Grid | None:
        if before is None:
            return None
        for limits in (low, high):
            for limit, base, gap in zip(limits, *before, strict=True):
                if np.isnan(limit):
                    return None
                if np.isfinite(limit) and ((Fraction(float(limit)) - base) / gap).denominator != 1:
                    return None
        return before

    return onto


def stepped(op: Op, value: Value, run: Callable[[Floats], Floats], **known: Any) -> Value:
    """``value`` after one more operation, of which ``known`` says what ElementStep asks."""
    kind = op.label or op.kind
    return value.then(ElementStep(op.name, run, tensor=op.outputs[0], kind=kind, **known))


def check_type(op: Op, value: Value, *types: str) -> None:
    """Raise NetworkError unless the numbers are of one of the types; float32 by default."""
    wanted = types or (FLOAT,)
    if value.dtype not in wanted:
        raise op.refuse(
            f"its input is of type {value.dtype}, not {' or '.join(wanted)}",
            "cast it before, or export without this operator",
        )


def extremes(builder: NetworkBuilder, value: Value) -> tuple[float, float]:
    """The least and the greatest number of the source that any integer gives."""
    low, high = builder.kind(value.name).value_range
    if value.monotone:
        rows = value.run(np.array([[low], [high]]).repeat(value.kind.channels, axis=1))
        return float(rows.min()), float(rows.max())
    found = [(block.min(), block.max()) for block in numbers_of(value, low, high)]
    return float(min(row[0] for row in found)), float(max(row[1] for row in found))


def combined(
    builder: NetworkBuilder,
    op: Op,
    inputs: list[Value | Const],
    function: Callable[..., NDArray[Any]],
    **known: Any,
) -> Value:
    """An operator on tensors that are all functions of one, and on constants.

    ``function`` takes an array ``(batch, channels)`` of each input. With one tensor ``known`` says
    what ElementStep asks; the result of several may rise and fall.
    """
    values = [x for x in inputs if isinstance(x, Value)]
    arrays = [np.asarray(x.real()) for x in inputs if isinstance(x, Const)]
    if len(values) > 1:
        known = {**known, "monotone": False, "slope": None, "shift": None}
        if not all(values[0].same_base(other) for other in values[1:]):
            raise op.refuse(
                "it combines two tensors that are not functions of one",
                "only their sum and difference are supported",
            )
    value, constants = per_channel(builder, op, values[0], arrays)
    if value is not values[0] and len(values) > 1:
        raise op.refuse("its constant differs within a channel", "use one number for each channel")
    shared = 0 if len(values) > 1 else len(value.steps)
    for steps in zip(*(other.steps for other in values), strict=False):
        if len(values) < 2 or any(step is not steps[0] for step in steps):
            break
        shared += 1
    shared = max(shared, value.pool_at or 0) if len(values) < 2 else shared
    if value.pool_at is not None and shared < value.pool_at:
        raise op.refuse("it combines tensors behind different poolings", "pool behind it")
    rest = iter([value, *values[1:]])
    fixed = iter(constants)
    parts = [next(rest).steps[shared:] if isinstance(x, Value) else next(fixed) for x in inputs]

    def run(x: Floats) -> Floats:
        """The operator on what its inputs make of ``x``."""
        given = [after(part, x) if isinstance(part, tuple) else part for part in parts]
        return np.asarray(function(*given), np.float32)

    within = [step for part in parts if isinstance(part, tuple) for step in part]
    cost = 1 + sum(step.cost for step in within)
    about = known.pop("about", False) or any(step.about for step in within)
    shorter = replace(value, steps=value.steps[:shared])
    return stepped(op, shorter, run, **known, cost=cost, about=about)


def after(steps: tuple[ElementStep, ...], x: Floats) -> Floats:
    """What the steps make of numbers."""
    for step in steps:
        x = step.run(x)
    return x
