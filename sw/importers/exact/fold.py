"""Folding everything between integers and a quantiser into integer thresholds.

The thresholds are where the source's own arithmetic changes level. Where no step turns an order,
bisection evaluates the source's operations, in float32 and with its own roundings, on the integers
near them; else they are evaluated on all integers.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from subbit.sw.errors import NetworkError
from subbit.sw.importers.exact.quantiser import Quantiser
from subbit.sw.importers.exact.value import Floats, Value
from subbit.sw.ir import Encoding, Threshold

__all__ = ["Turning", "fold", "fold_turning", "levels_between", "numbers_of", "rises"]

Ints = NDArray[np.int64]
# Numbers that are evaluated at a time, and for one quantiser altogether.
BLOCK = 1 << 18
MAX_NUMBERS = 1 << 26
MAX_TURNS = 255


def ends(value: Value, low: int, high: int) -> Ints:
    """The least and the greatest integer for each channel, ``(2, channels)``."""
    return np.array([[low], [high]], np.int64).repeat(value.kind.channels, axis=1)


def numbers_of(value: Value, low: int, high: int) -> Iterator[Floats]:
    """The source's numbers for all integers in ``low..high``, in blocks of rows.

    Raises NetworkError where they are too many.
    """
    count, channels = high - low + 1, value.kind.channels
    if count * channels > MAX_NUMBERS:
        raise NetworkError(
            f"what it takes rises and falls over {count} integers in {channels} channels, too many "
            "to look at each"
        )
    rows = max(BLOCK // channels, 1)
    for start in range(low, high + 1, rows):
        block = np.arange(start, min(start + rows, high + 1), dtype=np.int64)
        yield value.run(np.repeat(block[:, None], channels, axis=1))


def rises(value: Value, low: int, high: int) -> bool:
    """Whether no channel falls over ``low..high``."""
    if value.monotone:
        first, last = value.run(ends(value, low, high))
        return bool((first <= last).all())
    last = np.full(value.kind.channels, -np.inf, np.float32)
    for block in numbers_of(value, low, high):
        rows = np.concatenate([last[None], block])
        if not (rows[:-1] <= rows[1:]).all():
            return False
        last = block[-1]
    return True


def falls(value: Value, low: int, high: int, quantiser: Quantiser) -> NDArray[np.bool_]:
    """For each channel whether its level is lower at ``high`` than at ``low``."""
    first, last = quantiser.codes(value.run(ends(value, low, high)))
    falling: NDArray[np.bool_] = last < first
    return falling


def levels_between(value: Value, low: int, high: int, quantiser: Quantiser) -> tuple[int, int]:
    """The least and the greatest level that integers in ``low..high`` reach."""
    if value.monotone and quantiser.monotone:
        codes = quantiser.codes(value.run(ends(value, low, high)))
        return int(codes.min()), int(codes.max())
    reached: set[int] = set()
    for block in numbers_of(value, low, high):
        codes = quantiser.codes(block)
        reached |= {int(codes.min()), int(codes.max())}
    return min(reached), max(reached)


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


@dataclass(frozen=True, eq=False)
class Turning:
    """Levels that rise and fall as sums of two codes.

    ``up`` counts the steps up at or below a number, ``down`` those steps down that are above it, so
    that ``up + down + base`` is the level; ``base``: ``(channels,)``.
    """

    up: Threshold
    down: Threshold
    base: Ints


def fold_turning(
    value: Value, low: int, high: int, quantiser: Quantiser, count: int, encoding: Encoding
) -> Threshold | Turning:
    """The quantiser's level of every integer in ``low..high``, in whatever order the levels come.

    As ``fold`` where no channel both rises and falls. Raises NetworkError where the integers are
    too many, or the levels rise or fall more than MAX_TURNS times.
    """
    first, ups, downs = changes(value, low, high, quantiser)
    falling = np.array([len(row) > 0 for row in downs])
    if not any(up and down for up, down in zip(ups, downs, strict=True)):
        levels = (1 << (count - 1).bit_length()) - 1
        start = np.where(falling, levels - first, first)
        rows = [
            [low] * int(n) + [*up, *down] for n, up, down in zip(start, ups, downs, strict=True)
        ]
        return Threshold(filled(rows, levels, high + 1), (~falling).astype(np.uint8), encoding)
    turns = max(len(row) for row in (*ups, *downs))
    size = (1 << turns.bit_length()) - 1
    up, down = (
        Threshold(
            filled(rows, size, high + 1), np.full(len(rows), bit, np.uint8), Encoding.UNSIGNED
        )
        for rows, bit in ((ups, 1), (downs, 0))
    )
    return Turning(up, down, first - size)


def changes(
    value: Value, low: int, high: int, quantiser: Quantiser
) -> tuple[Ints, list[list[int]], list[list[int]]]:
    """The levels at ``low``, and for each channel the integers where they rise and fall by one.

    Raises NetworkError where there are more than MAX_TURNS in a channel.
    """
    first: Ints | None = None
    last = np.zeros((1, value.kind.channels), np.int64)
    ups: list[list[int]] = [[] for _ in range(value.kind.channels)]
    downs: list[list[int]] = [[] for _ in range(value.kind.channels)]
    place = low
    for block in numbers_of(value, low, high):
        codes = quantiser.codes(block)
        first = codes[0] if first is None else first
        change = np.diff(np.vstack([codes[:1] if place == low else last, codes]), axis=0)
        for row, channel in np.argwhere(change):
            step = int(change[row, channel])
            found = (ups if step > 0 else downs)[channel]
            if len(found) + abs(step) > MAX_TURNS:
                raise NetworkError(f"its levels rise or fall more than {MAX_TURNS} times")
            found.extend([place + int(row)] * abs(step))
        place, last = place + len(codes), codes[-1:]
    assert first is not None
    return first, ups, downs


def filled(rows: list[list[int]], size: int, spare: int) -> Ints:
    """The rows as an array of ``size`` columns, the rest of each ``spare``."""
    return np.array([[*row, *[spare] * (size - len(row))] for row in rows], np.int64)
