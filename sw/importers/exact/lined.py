"""Fixed-point paths: numbers that no integers stand for exactly, on a grid of a chosen width.

What the source computes between two layers, here a function of one integer for each channel, must
be of one straight line, or of two that meet: BatchNorm, biases, ReLU, leaky and parametric ReLU.
"""

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from subbit.sw.errors import NetworkError, quote
from subbit.sw.importers.exact.network_builder import NetworkBuilder
from subbit.sw.importers.exact.op import Op
from subbit.sw.importers.exact.value import Value, fill
from subbit.sw.ir import Requantise, TensorType
from subbit.sw.ir.layers.linear import MAX_INPUT_BITS

__all__ = ["Lines", "check_bits", "lines_of", "requantised"]

Reals = NDArray[np.float64]
Ints = NDArray[np.int64]
SCALE_BITS, MAX_SHIFT = 17, 45
POINTS = 512  # at which a function is looked at, and again between two of them
STRAIGHT = 1e-4  # how far from its lines it may be, as a share of its greatest number


def check_bits(bits: int | None) -> int | None:
    """``bits``, a width of fixed point; raises NetworkError unless it is 2 to 24, or None."""
    if bits is not None and (type(bits) is not int or not 2 <= bits <= MAX_INPUT_BITS):
        raise NetworkError(
            f"paths in fixed point have 2 to {MAX_INPUT_BITS} bits, not {quote(bits)}"
        )
    return bits


@dataclass(frozen=True, eq=False)
class Lines:
    """``slope[c][k] * x + base[c][k]`` with k = 1 below ``knee[c]``, else 0: ``(channels, 2)``."""

    slope: Reals
    base: Reals
    knee: Ints
    greatest: float

    @property
    def bends(self) -> bool:
        """Whether the two lines differ in any channel."""
        return bool((self.slope[:, 0] != self.slope[:, 1]).any())


def lines_of(builder: NetworkBuilder, op: Op, value: Value) -> Lines:
    """The lines of a value without pooling to come, over all integers of its tensor."""
    low, high = builder.kind(value.name).value_range
    line = value.line()
    count = value.kind.channels
    if line is not None:
        slope, base = (np.repeat(part.astype(np.float64)[:, None], 2, axis=1) for part in line)
        ends = np.abs([slope[:, 0] * end + base[:, 0] for end in (low, high)])
        return Lines(slope, base, np.full(count, low), float(ends.max()))
    return checked(op, value, bent(value, low, high), low, high)


def bent(value: Value, low: int, high: int) -> Lines:
    """Two lines for each channel that meet where its numbers are furthest from a straight one."""
    middle = furthest(value, low, high)
    count = value.kind.channels
    lowest, highest = np.full(count, low), np.full(count, high)
    above = through(value, np.minimum(middle + 1, high), highest)
    below = through(value, lowest, np.maximum(middle - 1, low))
    here = value.run(middle[None])[0].astype(np.float64)
    off = [abs(slope * middle + base - here) for slope, base in (above, below)]
    knee = np.where(off[0] <= off[1], middle, middle + 1)
    slope, base = (np.stack(pair, axis=1) for pair in zip(above, below, strict=True))
    return Lines(slope, base, knee, 0.0)


def through(value: Value, first: Ints, last: Ints) -> tuple[Reals, Reals]:
    """Slope and base of the line through the numbers of two integers of each channel."""
    start, end = value.run(np.stack([first, last])).astype(np.float64)
    slope = np.divide(end - start, last - first, out=np.zeros_like(end), where=last > first)
    return slope, start - slope * first


def furthest(value: Value, low: int, high: int) -> Ints:
    """The integer of each channel whose number is furthest from the line through the ends."""
    count = value.kind.channels
    first, last = np.full(count, low), np.full(count, high)
    slope, base = through(value, first, last)
    while True:
        parts = min(POINTS, max(int((last - first).max()), 1))
        x = first + (last - first) * np.arange(parts + 1)[:, None] // parts
        at = np.abs(value.run(x) - (slope * x + base)).argmax(axis=0)
        channels = np.arange(count)
        if int((last - first).max()) <= parts:
            return np.asarray(x[at, channels], np.int64)
        first = x[np.maximum(at - 1, 0), channels]
        last = x[np.minimum(at + 1, parts), channels]


def checked(op: Op, value: Value, lines: Lines, low: int, high: int) -> Lines:
    """The lines with their greatest number; raises NetworkError where the source is not on them."""
    grid = low + (high - low) * np.arange(POINTS + 1)[:, None] // POINTS
    near = np.clip(lines.knee + np.arange(-2, 3)[:, None], low, high)
    x = np.vstack([np.broadcast_to(grid, (len(grid), len(lines.knee))), near])
    wanted = value.run(x).astype(np.float64)
    k = (x < lines.knee).astype(np.int64)
    channels = np.arange(len(lines.knee))
    found = lines.slope[channels, k] * x + lines.base[channels, k]
    greatest = float(np.abs(wanted).max())
    if not np.isfinite(greatest) or np.abs(found - wanted).max() > STRAIGHT * greatest:
        raise op.refuse(
            f"{value.blocking()} is not made of two straight lines, as ReLU and PReLU are",
            "put a quantiser behind it",
        )
    return replace(lines, greatest=greatest)


def requantised(
    builder: NetworkBuilder, op: Op, value: Value, step: Fraction | None = None
) -> Value:
    """``value`` on multiples of ``step``, integers of the width that was asked for.

    By default the step is the least with which no integer that the Network's types allow is cut
    off. Raises NetworkError where its steps are no lines.
    """
    assert builder.fixed_bits is not None
    value = builder.integers(op, builder.pooled(op, builder.decided(op, value)))
    lines = lines_of(builder, op, value)
    top = (1 << (builder.fixed_bits - 1)) - 1
    step = Fraction(lines.greatest or 1.0) / top if step is None else step
    layer = layer_of(op, lines, float(step), top, builder.kind(value.name))
    origin = [each.node for each in value.steps] or [op.name]
    name = builder.put("path", layer, value.name, origin=origin)
    count = value.kind.channels
    made = Value(name, builder.kind(name), fill(count, step), fill(count, 0), value.index)
    builder.inexact.add(name)
    builder.paths[name] = {"bits": made.kind.bits, "step": float(step)}
    if value.steps and value.steps[-1].tensor:
        last = value.steps[-1]
        index = value.index if last.index is None else last.index
        named = Op(last.node, last.kind, (), (last.tensor,), {})
        builder.mark(named, replace(made, index=index))
    return made


def layer_of(op: Op, lines: Lines, step: float, top: int, x: TensorType) -> Requantise:
    """The lines as integers, with the widest scales that there are, rounded to the nearest."""
    slope, base = lines.slope / step, lines.base / step
    reach = max(abs(x.low), abs(x.high), 1)
    steepest = float(np.abs(slope).max())
    greatest = steepest * reach + float(np.abs(base).max()) + 1
    shift = MAX_SHIFT
    while shift and (steepest * 2.0**shift >= 2**SCALE_BITS - 1 or greatest * 2.0**shift >= 2**45):
        shift -= 1
    if steepest >= 2**SCALE_BITS - 1 or greatest >= 2**45:
        raise op.refuse("its numbers are too far apart for fixed point", "normalise them")
    half = (1 << shift) >> 1
    scale = np.rint(slope * 2.0**shift).astype(np.int64)
    offset = np.rint(base * 2.0**shift).astype(np.int64) + half
    knee = np.clip(lines.knee, x.low, x.high + 1)
    low = -top - 1
    if not lines.bends:
        scale, offset, knee = scale[:, :1], offset[:, :1], 0 * knee
    elif is_relu(lines):
        line = (lines.slope[:, 0] == 0).astype(np.int64)[:, None]
        scale, offset = (np.take_along_axis(part, line, 1) for part in (scale, offset))
        knee, low = 0 * knee, 0
    return Requantise(scale, offset, knee, shift, low, top)


def is_relu(lines: Lines) -> bool:
    """Whether every channel is 0 on one side of its knee at least, and rises away from it."""
    flat = (lines.slope == 0) & (lines.base == 0)
    rises = (lines.slope[:, 0] >= 0) & (lines.slope[:, 1] <= 0)
    return bool((flat.any(axis=1) & rises).all())
