"""Matrices of integers as rows of signs and zeros, each counting a power of two."""

from dataclasses import dataclass

import numpy as np

from subbit.sw.ir.arrays import Ints

__all__ = ["DigitRows", "digit_rows"]


@dataclass(frozen=True, eq=False)
class DigitRows:
    """``matrix[o] = units[o] * (sum over r in members[o] of 2**shifts[r] * rows[r])``.

    ``rows``: ``(n, inputs)`` of -1, 0 and 1, no two of them equal or each other's negative;
    ``members``: for each output the rows it is made of, as (row, sign, shift); none for an output
    without weights. ``units``: ``(outputs,)``, what all weights of an output have in common.
    """

    rows: Ints
    members: tuple[tuple[tuple[int, int, int], ...], ...]
    units: Ints


def digit_rows(matrix: Ints) -> DigitRows:
    """The rows of a matrix of integers: a plane a bit where all weights of an output are odd, as
    those of K-bit codes are, and signed digits, of which no two neighbours are set, elsewhere.
    """
    units = np.maximum(1, np.gcd.reduce(matrix, axis=1))
    known: dict[bytes, int] = {}
    rows: list[Ints] = []
    members = []
    for output in matrix // units[:, None]:
        found = []
        for shift, digits in enumerate(planes_of(output)):
            if not digits.any():
                continue
            sign = int(np.sign(digits[np.flatnonzero(digits)[0]]))
            row = sign * digits
            at = known.setdefault(row.tobytes(), len(rows))
            if at == len(rows):
                rows.append(row)
            found.append((at, sign, shift))
        members.append(tuple(found))
    table = np.array(rows, np.int64).reshape(len(rows), matrix.shape[1])
    return DigitRows(table, tuple(members), units)


def planes_of(output: Ints) -> list[Ints]:
    """Digits -1, 0 and 1 of the weights of an output, those of the lowest weight first."""
    if (output % 2 == 1).all():
        bits = int(np.abs(output).max()).bit_length()
        codes = (output + (1 << bits) - 1) // 2
        return [2 * (codes >> k & 1) - 1 for k in range(bits)]
    found, left = [], output.copy()
    while left.any():
        digits = np.where(left % 2 == 1, 2 - left % 4, 0)
        found.append(digits)
        left = (left - digits) // 2
    return found
