"""Which numbers a tensor can hold: a Network's integers modulo 2, and the levels that occur."""

from fractions import Fraction
from functools import reduce
from math import gcd, lcm

import numpy as np

from subbit.sw.errors import NetworkError
from subbit.sw.importers.exact.fold import numbers_of
from subbit.sw.importers.exact.network_builder import NetworkBuilder
from subbit.sw.importers.exact.value import Fractions, Grid, Value, exact, fill
from subbit.sw.ir import Add, Conv2d, DepthwiseConv2d, Encoding, Linear, Padding, Threshold

__all__ = ["few_levels", "fraction_gcd", "parity", "reached_levels"]

MAX_LEVELS = 256
# Numbers that are looked at where no step says on which grid its results lie.
MAX_NUMBERS = 1 << 22


def parity(builder: NetworkBuilder, name: str) -> int | None:
    """What all integers of a tensor are modulo 2, if that is known: odd weights times odd codes."""
    node = next((node for node in builder.nodes if node.name == name), None)
    if node is None:
        kind = builder.kind(name)
        return 1 if kind.is_code and kind.encoding is Encoding.BIPOLAR else None
    layer, source = node.layer, builder.kind(node.inputs[0])
    if isinstance(layer, Add) and len(set(node.inputs)) == 1 and layer.shifts == (0, 0):
        return 0
    if not isinstance(layer, Linear | Conv2d | DepthwiseConv2d):
        return None
    if source.encoding is not Encoding.BIPOLAR or not source.is_code:
        return None
    if getattr(layer, "padding", Padding.NONE) is Padding.ZERO:
        return None
    weights = layer.weights.dense()
    odd = bool((weights % 2 != 0).all())
    return int(np.prod(weights.shape[1:])) % 2 if odd else None


def reached_levels(builder: NetworkBuilder, name: str, layer: Threshold) -> set[int]:
    """The codes of the layer behind the tensor ``name`` that an integer of its range gets."""
    low, high = builder.kind(name).value_range
    odd = parity(builder, name)
    channels, levels = layer.thresholds.shape
    rows = np.clip(layer.thresholds, low, high + 1)
    ends = [np.full((channels, 1), end, np.int64) for end in (low, high + 1)]
    first, last = np.hstack([ends[0], rows]), np.hstack([rows, ends[1]]) - 1
    if odd is not None:
        first = first + (odd - first) % 2
    counts = np.arange(levels + 1)
    codes = np.where(layer.rising[:, None] == 1, counts, levels - counts)
    return {int(code) for code in np.unique(codes[first <= last])}


def few_levels(builder: NetworkBuilder, value: Value) -> Grid | None:
    """The grid of the numbers that occur, if they are few; None where they are many.

    Only where a step has put them on a grid before, or chooses between numbers.
    """
    grids = [step.grid(None) for step in value.steps]
    if value.monotone and not any(grid is not None for grid in grids):
        return None
    low, high = builder.kind(value.name).value_range
    channels = value.kind.channels
    if (high - low + 1) * channels > MAX_NUMBERS:
        return None
    found: list[set[float]] = [set() for _ in range(channels)]
    for block in numbers_of(value, low, high):
        if not np.isfinite(block).all():
            raise NetworkError("its input is NaN or infinite for some inputs")
        for numbers, column in zip(found, block.T, strict=True):
            numbers.update(np.unique(column).tolist())
            if len(numbers) > MAX_LEVELS:
                return None
    rows = [exact(np.array(sorted(numbers))) for numbers in found]
    return common_grid(rows)


def common_grid(rows: list[Fractions]) -> Grid | None:
    """One grid for all channels, or one for each; None where it has more than 256 levels."""
    least = np.array([row[0] for row in rows], object)
    gaps = np.array([fraction_gcd([x - row[0] for x in row]) for row in rows], object)
    for gap, base in (
        (
            fill(len(rows), fraction_gcd([*gaps, *(least - min(least))])),
            fill(len(rows), min(least)),
        ),
        (fill(len(rows), fraction_gcd(list(gaps))), least),
        (gaps, least),
    ):
        step = np.array([one or Fraction(1) for one in gap], object)
        levels = [(row[-1] - start) / one for row, start, one in zip(rows, base, step, strict=True)]
        if max(levels) < MAX_LEVELS:
            return base, step
    return None


def fraction_gcd(numbers: list[Fraction]) -> Fraction:
    """The greatest number of which all are multiples; 0 for zeros alone."""
    scale = reduce(lcm, (Fraction(n).denominator for n in numbers), 1)
    return Fraction(gcd(*(int(n * scale) for n in numbers)), scale)
