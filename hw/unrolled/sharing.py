"""Parts that several sums have in common, each computed once."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from subbit.sw.ir.arrays import Ints

__all__ = ["SharedRows", "share"]

Table = NDArray[np.float32]


@dataclass
class SharedRows:
    """Rows of signs with the parts taken out that others have, too.

    ``rows``: ``(n, inputs)`` of -1, 0 and 1: what is left of each row; the rows given come first,
    then the parts found. ``uses[r]``: the rows that r is the sum of, beside its inputs, each with a
    sign.
    """

    rows: Ints
    uses: list[list[tuple[int, int]]] = field(default_factory=list)


class Overlaps:
    """For each two rows the inputs that both have with equal signs, or with opposite ones."""

    def __init__(self, rows: Ints) -> None:
        self.count, inputs = len(rows), rows.shape[1]
        room = 2 * len(rows) + 16
        self.rows: Table = np.zeros((room, inputs), np.float32)
        self.rows[: self.count] = rows
        self.common: Table = np.full((room, room), -1, np.float32)
        self.signs = np.ones((room, room), np.int8)
        self.best, self.best_at = np.full(room, -1, np.float32), np.zeros(room, np.int64)
        for row in range(self.count):
            self.update(row)

    def add(self, row: Table) -> int:
        """A further row; returns its number."""
        if self.count == len(self.rows):
            more = len(self.rows)
            self.rows = np.pad(self.rows, ((0, more), (0, 0)))
            self.common = np.pad(self.common, ((0, more), (0, more)), constant_values=-1)
            self.signs = np.pad(self.signs, ((0, more), (0, more)), constant_values=1)
            self.best = np.pad(self.best, (0, more), constant_values=-1)
            self.best_at = np.pad(self.best_at, (0, more))
        self.rows[self.count] = row
        self.count += 1
        return self.count - 1

    def update(self, row: int) -> None:
        """Count anew what a changed row has in common with the others."""
        mine, others = self.rows[row], self.rows[: self.count]
        agree, both = others @ mine, np.abs(others) @ np.abs(mine)
        common = (both + np.abs(agree)) / 2
        common[row] = -1
        signs = np.where(agree >= 0, 1, -1)
        self.common[row, : self.count] = self.common[: self.count, row] = common
        self.signs[row, : self.count] = self.signs[: self.count, row] = signs
        self.rank(row)
        # Rows whose best partner was this one look for another; others may prefer it now.
        at, best = self.best_at[: self.count], self.best[: self.count]
        lost = (at == row) & (common < best)
        won = (common > best) & ~lost
        at[won], best[won] = row, common[won]
        for other in np.flatnonzero(lost):
            self.rank(int(other))

    def rank(self, row: int) -> None:
        """Find the row that one has most in common with."""
        self.best_at[row] = at = int(np.argmax(self.common[row, : self.count]))
        self.best[row] = self.common[row, at]


def share(rows: Ints, least: int) -> SharedRows:
    """Take out of the ``rows`` ``(n, inputs)`` of -1, 0 and 1 what two or more of them have in
    common, up to the sign, the largest part first, down to parts of ``least`` inputs.

    Parts are rows themselves, and may have parts in common with others. The same for the same rows.
    """
    table = Overlaps(rows)
    uses: list[list[tuple[int, int]]] = [[] for _ in rows]
    while table.count > 1:
        first = int(np.argmax(table.best[: table.count]))
        if table.best[first] < least:
            break
        second = int(table.best_at[first])
        sign = table.signs[first, second]
        one, other = table.rows[first], table.rows[second]
        part = np.where(one == sign * other, one, 0).astype(np.float32)
        size = float(np.abs(part).sum())
        agree = table.rows[: table.count] @ part
        users = [(int(at), int(np.sign(agree[at]))) for at in np.flatnonzero(abs(agree) == size)]
        whole = [at for at, _ in users if not uses[at] and np.abs(table.rows[at]).sum() == size]
        if whole:
            found, turned = whole[0], int(np.sign(agree[whole[0]]))
        else:
            found, turned = table.add(part), 1
            uses.append([])
        others = [(at, own * turned) for at, own in users if at != found]
        for at, own in others:
            uses[at].append((found, own))
            table.rows[at][part != 0] = 0
        for at in [found, *(at for at, _ in others)]:
            table.update(at)
    return SharedRows(np.rint(table.rows[: table.count]).astype(np.int64), uses)
