"""MaxPool, AveragePool, GlobalAveragePool and ReduceMean; Add of two tensors."""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import numpy as np

from subbit.sw.errors import NetworkError
from subbit.sw.importers.exact.convs import window_of
from subbit.sw.importers.exact.network_builder import NetworkBuilder
from subbit.sw.importers.exact.op import Op, axes_of
from subbit.sw.importers.exact.reachable import fraction_gcd
from subbit.sw.importers.exact.steps import check_type, combined, extremes
from subbit.sw.importers.exact.value import (
    Const,
    ElementStep,
    Fractions,
    Grid,
    Value,
    fill,
    is_uniform,
    map_index,
)
from subbit.sw.ir import Add, Affine, AvgPool2d, GlobalAvgPool, Layer, MaxPool2d

__all__ = ["add", "average", "global_average", "max_pool", "summed"]

MAX_SHIFT = 24
MAX_FACTOR = (1 << 17) - 1
# A float32 scale is 24 bits times a power of two, so that most ratios of two are below.
MAX_RATIO = (1 << 30) - 1
# Numbers of float32 below so many levels are known to an eighth of one.
STAY_APART = 1 << 20
SHIFT = 16
HALF = 1 << (SHIFT - 1)


def the_map(op: Op, inputs: list[Value | Const]) -> Value:
    """The input of a pooling, a map in the places of the Network."""
    value = inputs[0]
    if not isinstance(value, Value) or value.index.ndim != 3 or not value.is_map:
        raise op.refuse("its input is not a map (channels, height, width)", "pool before reshaping")
    return value


def max_pool(builder: NetworkBuilder, op: Op, inputs: list[Value | Const]) -> Value:
    """2x2 max pooling, kept until the quantiser, behind which it handles codes."""
    value = the_map(op, inputs)
    side, stride, pad = window_of(op, tuple(op.attributes["kernel_shape"]))
    odd = value.kind.height % 2 or value.kind.width % 2
    if (side, stride, pad) != (2, 2, 0) or (op.attributes.get("ceil_mode") and odd):
        raise op.refuse(
            f"a {side}x{side} window with stride {stride} and padding {pad}",
            "max pooling is 2x2 with stride 2, no padding, odd ends dropped",
        )
    value = builder.decided(op, value)
    value = builder.pooled(op, value)
    kind = MaxPool2d().infer((value.kind,))
    value = replace(value, kind=kind, index=map_index(kind), pool_at=len(value.steps))
    return builder.pooled(op, value) if kind.is_code and not value.steps else value


def summed(
    builder: NetworkBuilder, op: Op, value: Value, layer: Layer, stem: str, count: int
) -> Value:
    """The value of a layer that sums ``count`` elements for their mean."""
    value = builder.settled(op, value)
    try:
        name = builder.put(stem, layer, value.name, origin=[op.name])
    except NetworkError as error:
        raise op.refuse(str(error), "change the pooling and export again") from None
    kind = builder.kind(name)
    made = Value(name, kind, value.scale / count, value.offset, map_index(kind))
    builder.mark(op, made)
    return made


def average(builder: NetworkBuilder, op: Op, inputs: list[Value | Const]) -> Value:
    """AveragePool without padding."""
    value = the_map(op, inputs)
    side, stride, pad = window_of(op, tuple(op.attributes["kernel_shape"]))
    if pad or op.attributes.get("ceil_mode"):
        raise op.refuse("it pads", "average without padding or ceil_mode")
    if side == value.kind.height == value.kind.width:
        return summed(builder, op, value, GlobalAvgPool(), "avgpool", side * side)
    return summed(builder, op, value, AvgPool2d(side, stride), "avgpool", side * side)


def global_average(builder: NetworkBuilder, op: Op, inputs: list[Value | Const]) -> Value:
    """GlobalAveragePool, and ReduceMean over height and width."""
    value = the_map(op, inputs)
    keep = True
    if op.kind == "ReduceMean":
        constants = [np.asarray(c.real()) for c in inputs[1:] if isinstance(c, Const)]
        axes = sorted(axis % 4 for axis in axes_of(op, [value.index, *constants]))
        if axes != [2, 3]:
            raise op.refuse(f"a mean over the axes {axes}", "average over height and width")
        keep = bool(op.attributes.get("keepdims", 1))
    count = value.kind.height * value.kind.width
    made = summed(builder, op, value, GlobalAvgPool(), "avgpool", count)
    return made if keep else replace(made, index=made.index.reshape(-1))


def add(builder: NetworkBuilder, op: Op, inputs: list[Value | Const]) -> Value:
    """The sum or difference of two tensors.

    Scales a power of two apart are shifts, others integer factors. Functions of one tensor are
    another one.
    """
    a, b = (value for value in inputs if isinstance(value, Value))
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
    a, b = builder.settled(op, a), builder.settled(op, b)
    if a.index.shape != b.index.shape or not np.array_equal(a.index, b.index):
        raise op.refuse(
            f"it adds shapes {a.shape} and {b.shape}, or elements in different places",
            "give both paths the same shape and order",
        )
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
