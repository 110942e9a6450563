"""Operators that move whole channels, rows or columns: concatenation, selection, upsampling, zeros
around a map that nothing takes in.

A tensor may come with steps that wait. They are functions of each element of a channel, so they
wait behind these layers as they did before, channel by channel.
"""

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import numpy as np

from subbit.sw.errors import NetworkError
from subbit.sw.importers.exact.network_builder import NetworkBuilder
from subbit.sw.importers.exact.op import Op
from subbit.sw.importers.exact.steps import check_type
from subbit.sw.importers.exact.value import (
    ElementStep,
    Floats,
    Grid,
    Ints,
    Value,
    fill,
    is_uniform,
    map_index,
)
from subbit.sw.ir import Concat, Layer, Pad, Select, Upsample
from subbit.sw.ir.window import Pads

__all__ = [
    "bordered",
    "carried",
    "channel_axis",
    "concatenated",
    "selected",
    "solid",
    "straightened",
    "upsampled",
]


def carried(builder: NetworkBuilder, op: Op, value: Value) -> Value:
    """``value`` with nothing to come but steps of many levels that are not linear."""
    check_type(op, value)
    if value.line() is None:
        value.check_margins()
        made = None if builder.as_codes is None else builder.as_codes(builder, op, value)
        if made is not None:
            return made
        return builder.pooled(op, builder.decided(op, value))
    return builder.settled(op, solid(builder, op, value))


def solid(builder: NetworkBuilder, op: Op, value: Value) -> Value:
    """``value`` with the zeros around its map in the Network: a layer of its own, as none behind
    takes them in.
    """
    if not any(value.margins):
        return value
    return bordered(builder, op, value.without_margins(), value.margins, Fraction(0))


def bordered(
    builder: NetworkBuilder, op: Op, value: Value, margins: Pads, number: Fraction
) -> Value:
    """A map with a border, above, left of, below and right of it, of that number of the source."""
    axes = value.map_axes
    value = builder.settled(op, value)
    stored = (number - value.offset) / np.where(value.scale == 0, 1, value.scale)
    if not is_uniform(stored) or stored[0].denominator > 1 or not axes:
        what = f"{float(number):g}" if number else "zeros"
        raise op.refuse(
            f"it pads with {what}, which no integer of all channels of its input stands for",
            "quantise its input with that as a level, or pad with zeros right before a convolution",
        )
    made = put(builder, op, "pad", Pad(*margins, int(stored[0])), value)
    index = map_index(made.kind)
    return replace(made, index=index if axes == (1, 2) else index.transpose(1, 2, 0))


def put(builder: NetworkBuilder, op: Op, stem: str, layer: Layer, *values: Value) -> Value:
    """The first value behind a layer that reads all; errors of the Network name the node."""
    try:
        name = builder.put(stem, layer, *(value.name for value in values), origin=[op.name])
    except NetworkError as error:
        raise op.refuse(str(error), "change the layer and export again") from None
    return replace(values[0], name=name, kind=builder.kind(name), levels=0)


def channel_axis(value: Value) -> int | None:
    """The axis of the source's tensor, its batch counted, that is the channels of a map, or the
    elements of a vector; None where there is none.
    """
    if value.index.ndim == 1:
        return 1
    axes = value.map_axes
    return {1: 1, 0: 3}[axes[0]] if axes else None


def selected(builder: NetworkBuilder, op: Op, value: Value, places: Ints) -> Value:
    """The value's places along its channels that are named, in that order."""
    axis = channel_axis(value)
    if axis is None:
        raise op.refuse("its input is a rearranged map", "select channels of a map as it is")
    if value.index.ndim == 1:
        value = builder.flattened(op, value)
        channels = value.index[places]
    else:
        channels = places
    if np.array_equal(channels, np.arange(value.kind.channels)):
        return value
    return of_channels(builder, op, value, channels)


def of_channels(builder: NetworkBuilder, op: Op, value: Value, channels: Ints) -> Value:
    """The Network's channels that are named, in that order, which the source sees as they are."""
    if not len(channels):
        raise op.refuse("it selects nothing", "leave it out")
    last = channel_axis(value) == 3
    value = carried(builder, op, value)
    count = value.kind.channels
    made = put(builder, op, "select", Select(channels), value)
    index = map_index(made.kind)
    if value.index.ndim == 1:
        index = index.reshape(-1)
    made = replace(
        made,
        scale=value.scale[channels],
        offset=value.offset[channels],
        index=index.transpose(1, 2, 0) if last else index,
        steps=tuple(step_of(step, channels, count) for step in value.steps),
    )
    if not made.steps:
        builder.mark(op, made)
    return made


def step_of(step: ElementStep, channels: Ints, count: int) -> ElementStep:
    """A step on some of ``count`` channels."""

    def run(x: Floats) -> Floats:
        full = np.zeros((len(x), count), np.float32)
        full[:, channels] = x
        return step.run(full)[:, channels]

    def onto(before: Grid | None) -> Grid | None:
        full = None
        if before is not None:
            full = fill(count, 0), fill(count, 1)
            for row, given in zip(full, before, strict=True):
                row[channels] = given
        found = step.onto(full) if step.onto is not None else None
        return None if found is None else (found[0][channels], found[1][channels])

    return replace(
        step,
        run=run,
        slope=None if step.slope is None else step.slope[channels],
        shift=None if step.shift is None else step.shift[channels],
        onto=None if step.onto is None else onto,
        tensor="",
        difference=None,
        index=None,
    )


def straightened(builder: NetworkBuilder, op: Op, value: Value) -> Value:
    """A map whose channels stand in another order, as a map of that order; others as they are."""
    kind = value.kind
    if value.index.ndim != 3 or value.map_axes or kind.shape[:2] == (1, 1) or value.pool_at:
        return value
    first = map_index(kind)
    for order in ((0, 1, 2), (2, 0, 1)):
        index = value.index.transpose(order)
        if index.shape != first.shape:
            continue
        channels = index[:, 0, 0]
        if (channels < kind.channels).all() and np.array_equal(index, first[channels]):
            straight = replace(value, index=first if order[0] == 0 else first.transpose(1, 2, 0))
            return of_channels(builder, op, straight, channels)
    return value


def concatenated(builder: NetworkBuilder, op: Op, values: Sequence[Value], axis: int) -> Value:
    """The channels of maps, or the elements of vectors, one behind the other."""
    parts = [carried(builder, op, value) for value in values]
    axes = {channel_axis(value) for value in parts}
    rank = parts[0].index.ndim + 1
    if axes != {axis % rank} or len({value.index.ndim for value in parts}) > 1:
        shapes = ", ".join("x".join(map(str, value.shape)) for value in parts)
        raise op.refuse(
            f"it concatenates the axis {axis} of {shapes}",
            "concatenate channels of maps, or elements of vectors, all in one order",
        )
    if len(parts) == 1:
        return parts[0]
    if rank == 2:
        parts = [builder.flattened(op, value) for value in parts]
    made = put(builder, op, "concat", Concat(), *parts)
    index = map_index(made.kind)
    if rank == 2:
        ends = np.cumsum([0, *(value.kind.channels for value in parts)])
        index = np.concatenate([v.index + end for v, end in zip(parts, ends[:-1], strict=True)])
    whole = replace(
        made,
        scale=np.concatenate([value.scale for value in parts]),
        offset=np.concatenate([value.offset for value in parts]),
        index=index.transpose(1, 2, 0) if axes == {3} else index,
        steps=(),
    )
    builder.concats[whole.name] = whole, tuple(parts)
    if any(value.steps for value in parts):
        return whole.then(step_of_parts(op, parts))
    builder.mark(op, whole)
    return whole


def step_of_parts(op: Op, parts: Sequence[Value]) -> ElementStep:
    """All steps of all parts as one, each on its own channels."""
    ends = np.cumsum([0, *(value.kind.channels for value in parts)])

    def run(x: Floats) -> Floats:
        found = []
        for value, (start, end) in zip(parts, pairwise(ends), strict=True):
            part = x[:, start:end]
            for step in value.steps:
                part = step.run(part)
            found.append(part)
        return np.concatenate(found, axis=1)

    return ElementStep(
        op.name,
        run,
        monotone=all(value.monotone for value in parts),
        kind=op.label or op.kind,
        cost=max(sum(step.cost for step in value.steps) for value in parts),
        about=any(step.about for value in parts for step in value.steps),
    )


def upsampled(builder: NetworkBuilder, op: Op, value: Value, rows: int, columns: int) -> Value:
    """Each element of a map as a block of equal ones."""
    axes = value.map_axes
    if not axes:
        raise op.refuse("its input is not a map", "upsample maps (1, channels, height, width)")
    if (rows, columns) == (1, 1):
        return value
    value = carried(builder, op, value)
    made = put(builder, op, "upsample", Upsample(rows, columns), value)
    index = map_index(made.kind)
    steps = tuple(replace(s, tensor="", difference=None, index=None) for s in value.steps)
    made = replace(
        made,
        index=index if axes == (1, 2) else index.transpose(1, 2, 0),
        steps=steps,
        levels=value.levels,
    )
    if not steps:
        builder.mark(op, made)
    return made
