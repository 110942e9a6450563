"""Which row is computed from which other one: a spanning tree of small differences."""

from dataclasses import dataclass

import numpy as np

from subbit.sw.ir.arrays import Ints

__all__ = ["MOST_DEPTH", "Edge", "spanning_tree"]

MOST_DEPTH = 2  # rows computed one from the other, each a sum later than the one before
OPERAND = 6  # inputs that cost what the adder of a difference does, about


@dataclass(frozen=True)
class Edge:
    """A row that is ``sign`` times row ``parent`` and a difference; the difference alone without a
    parent, -1. ``depth``: rows that it is computed from, one after the other.
    """

    row: int
    parent: int
    sign: int
    depth: int


def spanning_tree(rows: Ints, most_depth: int = MOST_DEPTH) -> list[Edge]:
    """An edge for each of the ``rows`` ``(n, inputs)`` of -1, 0 and 1, a parent before its
    children: the cheapest row that is left comes next (Prim's algorithm, MST-compression, ICCV
    2023), from nothing or from a row or its negative that is known.

    A difference costs an input for each 1 or 2 in it, and OPERAND for its adder. The same for the
    same rows.
    """
    count = len(rows)
    size = np.abs(rows).sum(axis=1)
    agree = rows @ rows.T
    both = np.abs(rows) @ np.abs(rows).T
    # Where both are set, equal signs cancel; all else has to be added.
    alone = size[:, None] + size[None, :] - 2 * both
    equal = alone + (both - agree) // 2
    opposite = alone + (both + agree) // 2
    distance = np.minimum(equal, opposite) + OPERAND
    best, parents = size.copy(), np.full(count, -1)
    depths, waiting = np.zeros(count, np.int64), np.ones(count, np.bool_)
    edges = []
    for _ in range(count):
        at = int(np.argmin(np.where(waiting, best, np.iinfo(np.int64).max)))
        waiting[at], parent = False, int(parents[at])
        if parent >= 0:
            depths[at] = depths[parent] + 1
        sign = 1 if parent < 0 or equal[at, parent] <= opposite[at, parent] else -1
        edges.append(Edge(at, parent, sign, int(depths[at])))
        if depths[at] < most_depth:
            nearer = waiting & (distance[at] < best)
            best[nearer], parents[nearer] = distance[at][nearer], at
    return edges
