"""Add and Sub of two tensors."""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import numpy as np

from subbit.sw.errors import NetworkError
from subbit.sw.importers.exact.lined import lines_of, requantised
from subbit.sw.importers.exact.network_builder import NetworkBuilder
from subbit.sw.importers.exact.op import Op
from subbit.sw.importers.exact.reachable import fraction_gcd
from subbit.sw.importers.exact.rearranged import solid
from subbit.sw.importers.exact.steps import check_type, combined, extremes
from subbit.sw.importers.exact.value import (
    Const,
    ElementStep,
    Fractions,
    Grid,
    Value,
    fill,
    is_uniform,
)
from subbit.sw.ir import Add, Affine

__all__ = ["add"]

MAX_SHIFT = 24
MAX_FACTOR = (1 << 17) - 1
# A float32 scale is 24 bits times a power of two, so that most ratios of two are below.
MAX_RATIO = (1 << 30) - 1
# Numbers of float32 below so many levels are known to an eighth of one.
STAY_APART = 1 << 20
SHIFT = 16
HALF = 1 << (SHIFT - 1)


def add(builder: NetworkBuilder, op: Op, inputs: list[Value | Const]) -> Value:
    """The sum or difference of two tensors.

    Scales a power of two apart are shifts, others integer factors. Functions of one tensor are
    another one.
    """
    a, b = (solid(builder, op, value) for value in inputs if isinstance(value, Value))
    found = cancelled(builder, op, a, b)
    if found is not None:
        return found
    straight = a.line() is not None and b.line() is not None
    if a.same_base(b) and not (straight and op.kind == "Add"):
        return of_one(builder, op, a, b)
    if op.kind == "Sub":
        count = b.kind.channels
        one, none = fill(count, 1), fill(count, 0)
        b_less = b.then(ElementStep(op.name, np.negative, -one, none, gives=b.dtype))
        made = add(builder, replace(op, kind="Add"), [a, b_less])
        return made.then(ElementStep(op.name, lambda x: x, one, none, difference=(a, b)))
    if a.index.shape != b.index.shape or not np.array_equal(a.index, b.index):
        raise op.refuse(
            f"it adds shapes {a.shape} and {b.shape}, or elements in different places",
            "give both paths the same shape and order",
        )
    if builder.fixed_bits is None:
        return exactly(builder, op, a, b)
    bits, builder.fixed_bits = builder.fixed_bits, None
    try:
        return exactly(builder, op, a, b)
    except NetworkError:
        pass
    finally:
        builder.fixed_bits = bits
    return on_one_scale(builder, op, a, b)


def on_one_scale(builder: NetworkBuilder, op: Op, a: Value, b: Value) -> Value:
    """The sum of two tensors in fixed point, both brought to one scale."""
    a, b = (builder.integers(op, builder.pooled(op, builder.decided(op, x))) for x in (a, b))
    assert builder.fixed_bits is not None
    greatest = max(lines_of(builder, op, x).greatest for x in (a, b))
    step = Fraction(greatest or 1.0) / ((1 << (builder.fixed_bits - 1)) - 1)
    left, right = (requantised(builder, op, x, step) for x in (a, b))
    name = builder.put("add", Add(), left.name, right.name, origin=[op.name])
    made = Value(name, builder.kind(name), left.scale, left.offset, a.index)
    builder.mark(op, made)
    return made


def exactly(builder: NetworkBuilder, op: Op, a: Value, b: Value) -> Value:
    """The sum of two tensors by shifts or integer factors."""
    a, b = builder.settled(op, a), builder.settled(op, b)
    offset = a.offset + b.offset
    for zero, other in ((a, b), (b, a)):
        if (zero.scale == 0).all():
            return replace(other, offset=offset)
    shift = None
    if is_uniform(a.scale / np.where(b.scale == 0, 1, b.scale)) and (b.scale != 0).all():
        shift = power_of_two(Fraction(a.scale[0] / b.scale[0]))
    if shift is None:
        left, right, scale = times(builder, op, a, b)
        name = builder.put("add", Add(), left, right, origin=[op.name])
    else:
        layer = Add(max(shift, 0), max(-shift, 0))
        name = builder.put("add", layer, a.name, b.name, origin=[op.name])
        scale = a.scale / (1 << max(shift, 0))
    made = Value(name, builder.kind(name), scale, offset, a.index)
    builder.mark(op, made)
    return made


def power_of_two(ratio: Fraction) -> int | None:
    """The exponent of a ratio that is a power of two within MAX_SHIFT, else None."""
    for shift in range(-MAX_SHIFT, MAX_SHIFT + 1):
        if ratio == Fraction(2) ** shift:
            return shift
    return None


def constant_grid(base: Fractions, step: Fractions) -> Callable[[Grid | None], Grid]:
    """The same grid whatever comes in."""
    return lambda before: (base, step)


def of_one(builder: NetworkBuilder, op: Op, a: Value, b: Value) -> Value:
    """The sum or difference of two functions of one tensor, as a function of it."""
    for value in (a, b):
        check_type(op, value)
    sign, function = (-1, np.subtract) if op.kind == "Sub" else (1, np.add)
    grids, onto = (a.grid(), b.grid()), None
    if grids[0] is not None and grids[1] is not None:
        (base, gap), (other, more) = grids[0], grids[1]
        gaps = [fraction_gcd(list(pair)) for pair in zip(gap, more, strict=True)]
        onto = constant_grid(base + sign * other, np.array(gaps, object))
    difference = (a, b) if op.kind == "Sub" else None
    return combined(builder, op, [a, b], function, onto=onto, difference=difference)


def cancelled(builder: NetworkBuilder, op: Op, a: Value, b: Value) -> Value | None:
    """``q`` where it is ``q - x + x`` or ``x - (x - q)``, of levels q; else None.

    Training writes ``x + (q(x) - x)``, so that gradients pass. The source rounds there; only where
    x is so small that the levels stay apart, q stands for what it computes.
    """
    pairs = [value.steps[-1].difference if value.steps else None for value in (a, b)]
    levels, other = None, a
    if op.kind == "Add":
        for pair, added in zip(pairs, (b, a), strict=True):
            if pair is not None and pair[1].is_same(added):
                levels, other = pair[0], added
    elif pairs[1] is not None and pairs[1][0].is_same(a):
        levels = pairs[1][1]
    if levels is None:
        return None
    grid, line = levels.grid(), levels.line()
    if grid is None and levels.kind.is_code and line is not None:
        grid = line[1], abs(line[0])
    if grid is None or max(map(abs, extremes(builder, other))) > STAY_APART * min(grid[1]):
        return None
    return levels


def times(builder: NetworkBuilder, op: Op, a: Value, b: Value) -> tuple[str, str, Fractions]:
    """Both as integers of one scale for each channel, by integer factors, and that scale.

    Where a scale is 0, the tensor adds nothing: its factor is 0.
    """
    a, b = builder.integers(op, a), builder.integers(op, b)
    up, down = np.zeros(len(a.scale), object), np.zeros(len(a.scale), object)
    scale = fill(len(a.scale), 1)
    for place, (one, other) in enumerate(zip(a.scale, b.scale, strict=True)):
        ratio = Fraction(one, other) if one and other else Fraction(bool(one))
        up[place] = ratio.numerator
        down[place] = ratio.denominator if other else 0
        if one or other:
            scale[place] = one / up[place] if one else other
    wide = [i for i, row in enumerate(zip(up, down, strict=True)) if max(map(abs, row)) > MAX_RATIO]
    if wide:
        one, other = float(a.scale[wide[0]]), float(b.scale[wide[0]])
        raise op.refuse(
            f"the scales of its two inputs, {one:.6g} and {other:.6g}, "
            f"are no ratio of integers up to {MAX_RATIO}",
            "put a quantiser before it on the path that ends in a BatchNormalization or mean",
            fixed=True,
        )
    return scaled(builder, op, a, up), scaled(builder, op, b, down), scale


def scaled(builder: NetworkBuilder, op: Op, value: Value, factors: Fractions) -> str:
    """The integers times ``factors``; wide ones as two, a shift apart."""
    if (factors == 1).all():
        return value.name
    high, low = (factors + HALF) // (2 * HALF), (factors + HALF) % (2 * HALF) - HALF
    if all(abs(n) <= MAX_FACTOR for n in factors):
        return multiplied(builder, op, value, factors)
    both = [multiplied(builder, op, value, part) for part in (high, low)]
    return builder.put("add", Add(SHIFT, 0), *both, origin=[op.name])


def multiplied(builder: NetworkBuilder, op: Op, value: Value, factors: Fractions) -> str:
    """An Affine layer without offsets."""
    layer = Affine(factors.astype(np.int64), np.zeros(len(factors), np.int64))
    return builder.put("scale", layer, value.name, origin=[op.name])
