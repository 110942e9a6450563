"""Rows of a description that bring integers to another scale."""

from fractions import Fraction
from math import ceil, lcm

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
    scale, offset = (lines_of(builder.array(row, key)) for key in ("scale", "offset"))
    knee = np.zeros(count, np.int64)
    if "knee" in row.values:
        knee = builder.array(row, "knee", 1)
    if not len(scale) == len(offset) == len(knee) == count or scale.shape != offset.shape:
        raise row.error(f"its arrays do not have a row for each of {count} channels")
    whole = lcm(x.scale.denominator, *(number.denominator for number in x.offset))
    if whole & (whole - 1) or x.scale <= 0:
        raise row.error(
            f"its input is {x.scale} of the number; let it read integers, or halves of them"
        )
    offset = offset * whole + scale * (x.offset * whole).astype(np.int64)[:, None]
    scale = scale * int(x.scale * whole)
    if scale.shape[1] == 2:
        knee = np.array([ceil(n) for n in (knee - x.offset) / x.scale], np.int64)
    shift, low, high = (row.take(key, int) for key in ("shift", "low", "high"))
    layer = Requantise(scale, offset, knee, shift + whole.bit_length() - 1, low, high)
    return layer, Fraction(1), fill(count, 0), x.order


def lines_of(numbers: Ints) -> Ints:
    """Numbers of one line, or of several, as (channels, lines)."""
    return numbers[:, None] if numbers.ndim == 1 else numbers
