"""MaxPool, AveragePool, GlobalAveragePool and ReduceMean; Add of two tensors."""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from subbit.sw.errors import NetworkError
from subbit.sw.importers.exact.convs import convolve
from subbit.sw.importers.exact.lines import lines_too
from subbit.sw.importers.exact.network_builder import NetworkBuilder
from subbit.sw.importers.exact.op import Op, axes_of
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
    map_index,
)
from subbit.sw.importers.exact.windows import window_of
from subbit.sw.ir import Add, Affine, AvgPool2d, GlobalAvgPool, Layer, MaxPool2d
from subbit.sw.ir.window import Pads, Window

__all__ = ["add", "average", "global_average", "global_max", "max_pool", "summed"]

AnyPooling = TypeVar("AnyPooling", MaxPool2d, AvgPool2d)
MAX_SHIFT = 24
MAX_FACTOR = (1 << 17) - 1
# A float32 scale is 24 bits times a power of two, so that most ratios of two are below.
MAX_RATIO = (1 << 30) - 1
# Numbers of float32 below so many levels are known to an eighth of one.
STAY_APART = 1 << 20
SHIFT = 16
HALF = 1 << (SHIFT - 1)


def the_map(op: Op, inputs: list[Value | Const]) -> Value:
    """The input of a pooling, a map in the places of the Network, without its margins."""
    value = inputs[0]
    if isinstance(value, Value):
        value = value.without_margins()
    if not isinstance(value, Value) or value.index.ndim != 3 or not value.is_map:
        raise op.refuse("its input is not a map (channels, height, width)", "pool before reshaping")
    return value


@lines_too
def max_pool(builder: NetworkBuilder, op: Op, inputs: list[Value | Const]) -> Value:
    """Max pooling, kept until the quantiser, behind which it handles codes."""
    value = the_map(op, inputs)
    margins = inputs[0].margins if isinstance(inputs[0], Value) else value.margins
    size = (value.kind.height, value.kind.width)
    window = window_of(op, tuple(op.attributes["kernel_shape"]), size)
    if window.kernel == (1, 1) and window.strides == (1, 1) and not any(window.pads):
        return replace(value, margins=margins)
    if len(op.outputs) > 1 and op.outputs[1]:
        raise op.refuse("it gives the places of what it takes, too", "use its first output alone")
    if any(margins):
        raise op.refuse(
            f"max pooling of a map with zeros around it, {list(margins)}", "pad by its own pads"
        )
    if op.attributes.get("ceil_mode"):
        window = window.rounded_up(*size)
    return pooled_by(builder, op, value, pooling(op, MaxPool2d, window))


def pooled_by(builder: NetworkBuilder, op: Op, value: Value, layer: MaxPool2d) -> Value:
    """The value with that max pooling to come, or done where it is of codes."""
    value = builder.pooled(op, builder.decided(op, value))
    kind = layer.infer((value.kind,))
    index, at = map_index(kind), len(value.steps)
    value = replace(value, kind=kind, index=index, pool_at=at, pool=layer)
    return builder.pooled(op, value) if kind.is_code and not value.steps else value


def pooling(op: Op, kind: Callable[..., AnyPooling], window: Window) -> AnyPooling:
    """The Network's pooling over those windows; raises NetworkError where it has none."""
    if window.dilations != (1, 1):
        raise op.refuse(f"pooling of {window}", "pool without dilation")
    try:
        return kind(window.kernel, window.strides, window.pads)
    except NetworkError as error:
        raise op.refuse(f"pooling of {window} ({error})", "use smaller windows") from None


@lines_too
def global_max(builder: NetworkBuilder, op: Op, inputs: list[Value | Const]) -> Value:
    """GlobalMaxPool."""
    value = the_map(op, inputs)
    if isinstance(inputs[0], Value):
        inputs[0].check_margins()
    window = Window((value.kind.height, value.kind.width), (value.kind.height, value.kind.width))
    return pooled_by(builder, op, value, pooling(op, MaxPool2d, window))


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


@lines_too
def average(builder: NetworkBuilder, op: Op, inputs: list[Value | Const]) -> Value:
    """AveragePool: of the whole map, of windows without padding, or with zeros that count."""
    value = the_map(op, inputs)
    margins = inputs[0].margins if isinstance(inputs[0], Value) else value.margins
    size = (value.kind.height, value.kind.width)
    kernel = tuple(op.attributes["kernel_shape"])
    window, bare = window_of(op, kernel, size, margins), window_of(op, kernel, size)
    if op.attributes.get("ceil_mode") and leaves_rest(bare, padded(size, margins)):
        raise op.refuse(f"average pooling of {window}, ceil_mode 1", "average without ceil_mode")
    if window.covers(*size):
        return summed(builder, op, value, GlobalAvgPool(), "avgpool", size[0] * size[1])
    if any(bare.pads) and not op.attributes.get("count_include_pad"):
        raise op.refuse(
            f"average pooling of {bare}, which counts less where it pads",
            "average without padding, or with count_include_pad",
        )
    if dilated(window):
        return padded_average(builder, op, value, window)
    if any(window.pads):
        value = builder.settled(op, value)
        if (value.offset != 0).any():
            return padded_average(builder, op, value, window)
    if window.kernel == window.strides == (1, 1):
        return value
    return summed(builder, op, value, pooling(op, AvgPool2d, window), "avgpool", window.size)


def dilated(window: Window) -> bool:
    """Whether there are gaps between its elements."""
    return window.dilations != (1, 1)


def padded(size: tuple[int, int], margins: Pads) -> tuple[int, int]:
    """Height and width of a map with its margins."""
    return size[0] + margins[0] + margins[2], size[1] + margins[1] + margins[3]


def leaves_rest(window: Window, size: tuple[int, int]) -> bool:
    """Whether windows do not end with the map, so that one more would begin in it."""
    ends = zip(size, window.pads[:2], window.pads[2:], window.reach, window.strides, strict=True)
    return any((side + a + b - reach) % step for side, a, b, reach, step in ends)


def padded_average(builder: NetworkBuilder, op: Op, value: Value, window: Window) -> Value:
    """The average with zeros around the map: a depthwise convolution with weights of 1."""
    channels, count = value.kind.channels, window.kernel[0] * window.kernel[1]
    ones = Const(np.ones((channels, 1, *window.kernel), np.float32))
    given = replace(
        op,
        attributes={
            "pads": window.pads,
            "strides": window.strides,
            "dilations": window.dilations,
            "group": channels,
        },
        label=op.label or op.kind,
        outputs=("",),
    )
    value = builder.codes(op, value)
    made = convolve(builder, given, [value, ones])
    builder.marks[:] = [mark for mark in builder.marks if mark.source]
    made = replace(made, scale=made.scale / count, offset=made.offset / count)
    builder.mark(op, made)
    return made


def global_average(builder: NetworkBuilder, op: Op, inputs: list[Value | Const]) -> Value:
    """GlobalAveragePool, and ReduceMean over height and width, wherever these stand."""
    value = inputs[0]
    assert isinstance(value, Value)
    value.check_margins()
    sides = value.index.ndim + 1
    axes, keep = tuple(range(2, sides)), True
    if op.kind == "ReduceMean":
        constants = [np.asarray(c.real()) for c in inputs[1:] if isinstance(c, Const)]
        named = axes_of(op, [value.index, *constants])
        if any(not -sides <= axis < sides for axis in named):
            raise op.refuse(f"a mean over the axes {list(named)[:8]}", "export it again")
        axes = tuple(sorted({axis % sides for axis in named}))
        if not axes and op.attributes.get("noop_with_empty_axes"):
            return value
        keep = bool(op.attributes.get("keepdims", 1))
    channels = averaged_channels(value, axes)
    if channels is None:
        raise op.refuse(
            f"a mean over the axes {list(axes)} of a tensor of shape {value.shape}",
            "average over height and width, all of each",
        )
    count = value.kind.height * value.kind.width
    whole = replace(value, index=map_index(value.kind))
    made = summed(builder, unmarked(op), whole, GlobalAvgPool(), "avgpool", count)
    builder.marks[:] = [mark for mark in builder.marks if mark.source]
    made = replace(made, index=channels if keep else channels.reshape(kept(value, axes)))
    builder.mark(op, made)
    return made


def unmarked(op: Op) -> Op:
    """The operation with a result that is not compared, since another one is."""
    return replace(op, outputs=("",))


def kept(value: Value, axes: tuple[int, ...]) -> tuple[int, ...]:
    """The shape without the batch and without those axes."""
    return tuple(n for axis, n in enumerate(value.index.shape, 1) if axis not in axes)


def averaged_channels(value: Value, axes: tuple[int, ...]) -> NDArray[np.int64] | None:
    """For each mean over the axes, which stay as sides of 1, the channel whose pixels it takes;
    None where one takes other elements than all pixels of a channel.
    """
    if not axes or 0 in axes:
        return None
    inner = tuple(axis - 1 for axis in axes)
    rest = tuple(axis for axis in range(value.index.ndim) if axis not in inner)
    pixels = value.kind.height * value.kind.width
    rows = value.index.transpose(*rest, *inner).reshape(
        *(value.index.shape[axis] for axis in rest), -1
    )
    places = np.sort(rows, axis=-1)
    channels = places[..., :1] % value.kind.channels
    wanted = channels + np.arange(pixels) * value.kind.channels
    if places.shape[-1] != pixels or not np.array_equal(places, wanted):
        return None
    shape = tuple(1 if axis in inner else n for axis, n in enumerate(value.index.shape))
    found: NDArray[np.int64] = channels[..., 0].reshape(shape)
    return found


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
