"""Folding everything between integers and a quantiser into integer thresholds.

The thresholds are where the source's own arithmetic changes level: bisection evaluates the source's
operations, in float32 and with its own roundings, on the integers near them.
"""

import numpy as np
from numpy.typing import NDArray

from subbit.sw.importers.exact.quantiser import Quantiser
from subbit.sw.importers.exact.value import Value
from subbit.sw.ir import Encoding, Threshold

__all__ = ["falls", "fold", "levels_between", "rises"]

Ints = NDArray[np.int64]


def ends(value: Value, low: int, high: int) -> Ints:
    """The least and the greatest integer for each channel, ``(2, channels)``."""
    return np.array([[low], [high]], np.int64).repeat(value.kind.channels, axis=1)


def rises(value: Value, low: int, high: int, stop: int) -> bool:
    """Whether no channel falls over ``low..high`` in the first ``stop`` steps."""
    first, last = value.run(ends(value, low, high), stop=stop)
    return bool((first <= last).all())


def falls(value: Value, low: int, high: int, quantiser: Quantiser) -> NDArray[np.bool_]:
    """For each channel whether its level is lower at ``high`` than at ``low``."""
    first, last = quantiser.codes(value.run(ends(value, low, high)))
    falling: NDArray[np.bool_] = last < first
    return falling


def levels_between(value: Value, low: int, high: int, quantiser: Quantiser) -> tuple[int, int]:
    """The least and the greatest level that integers in ``low..high`` reach."""
    codes = quantiser.codes(value.run(ends(value, low, high)))
    return int(codes.min()), int(codes.max())


def fold(
    value: Value, low: int, high: int, quantiser: Quantiser, count: int, encoding: Encoding
) -> Threshold:
    """The thresholds that give the quantiser's level of every integer in ``low..high``.

    ``count`` levels become codes of as few bits as hold them; a threshold that no integer reaches
    is ``high + 1``.
    """
    levels = (1 << (count - 1).bit_length()) - 1
    falling = falls(value, low, high, quantiser)
    wanted = np.arange(1, levels + 1)[:, None]
    below = np.full((levels, value.kind.channels), low - 1, np.int64)
    above = np.full((levels, value.kind.channels), high + 1, np.int64)
    while bool((above - below > 1).any()):
        middle = (below + above) // 2
        codes = quantiser.codes(value.run(middle))
        reached = np.where(falling, levels - codes, codes) >= wanted
        open_ = above - below > 1
        above = np.where(open_ & reached, middle, above)
        below = np.where(open_ & ~reached, middle, below)
    return Threshold(above.T.copy(), (~falling).astype(np.uint8), encoding)
