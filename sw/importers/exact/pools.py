"""MaxPool, AveragePool, GlobalAveragePool and ReduceMean."""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from subbit.sw.errors import NetworkError
from subbit.sw.importers.exact.convs import convolve
from subbit.sw.importers.exact.lines import lines_too
from subbit.sw.importers.exact.network_builder import NetworkBuilder
from subbit.sw.importers.exact.op import Op, axes_of
from subbit.sw.importers.exact.value import (
    Const,
    Value,
    map_index,
)
from subbit.sw.importers.exact.windows import window_of
from subbit.sw.ir import AvgPool2d, GlobalAvgPool, Layer, MaxPool2d
from subbit.sw.ir.window import Pads, Window

__all__ = ["average", "global_average", "global_max", "max_pool", "summed"]

AnyPooling = TypeVar("AnyPooling", MaxPool2d, AvgPool2d)


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
