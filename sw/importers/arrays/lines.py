"""Rows of a description that bring integers to another scale."""

from fractions import Fraction

import numpy as np

from subbit.sw.importers.arrays.known import ArraySource, Ints, Known, Made
from subbit.sw.importers.arrays.rows import DescriptionRow
from subbit.sw.importers.exact.value import fill
from subbit.sw.ir import Requantise

__all__ = ["requantise"]


def requantise(builder: ArraySource, row: DescriptionRow, x: Known) -> Made:
    """``{"kind": "requantise", "scale": NAME, "offset": NAME, "shift": 8, "low": -9, "high": 9}``:
    ``(scale * number + offset) / 2**shift``, rounded down and limited.

    The arrays have a number for each channel, or of two lines ``(channels, 2)``, the second for
    numbers below those that ``"knee": NAME`` names.
    """
    count = x.kind.channels
    arrays = [lines_of(builder.array(row, key)) for key in ("scale", "offset")]
    knee = np.zeros(count, np.int64)
    if "knee" in row.values:
        knee = builder.array(row, "knee", 1)
    if any(len(part) != count for part in (*arrays, knee)) or arrays[0].shape != arrays[1].shape:
        raise row.error(f"its arrays do not have a row for each of {count} channels")
    if (x.offset != 0).any() or x.scale != 1:
        raise row.error(
            f"its input is {x.scale} of the number; let it read integers that stand for themselves"
        )
    shift, low, high = (row.take(key, int) for key in ("shift", "low", "high"))
    layer = Requantise(*arrays, knee, shift, low, high)
    return layer, Fraction(1), fill(count, 0), x.order


def lines_of(numbers: Ints) -> Ints:
    """Numbers of one line, or of several, as (channels, lines)."""
    return numbers[:, None] if numbers.ndim == 1 else numbers
