"""All sums of a matrix of weights, as one network of adders."""

from dataclasses import dataclass

import numpy as np

from subbit.hw.trees.assemble import Feasible
from subbit.hw.unrolled.adding import add_up, narrowed
from subbit.hw.unrolled.digits import DigitRows, digit_rows
from subbit.hw.unrolled.numbers import Graph, Number, wire
from subbit.hw.unrolled.sharing import SharedRows, share
from subbit.hw.unrolled.tree import MOST_DEPTH, Edge, spanning_tree
from subbit.sw.ir.arrays import Ints

__all__ = ["SumNetwork", "sum_network"]

LEAST_OF_BITS, LEAST_OF_CODES = 5, 2  # inputs that a part of several sums has at the least


@dataclass(frozen=True, eq=False)
class SumNetwork:
    """``graph``: the operations; ``sums``: for each output the number it is, None for 0;
    ``units``: what that number is to be multiplied with.

    ``parts``: sums of inputs that were computed once for several rows; ``rows``: distinct ones.
    """

    graph: Graph
    sums: tuple[Number | None, ...]
    units: Ints
    rows: int
    parts: int


class Builder:
    """Makes the numbers of rows and of their parts, each when it is first wanted."""

    def __init__(
        self, digits: DigitRows, bits: int, feasible: Feasible | None, most_depth: int
    ) -> None:
        inputs = digits.rows.shape[1]
        self.digits, self.bits, self.feasible = digits, bits, feasible
        self.graph = Graph(inputs * bits)
        self.edges = spanning_tree(digits.rows, most_depth)
        self.pieces: list[list[tuple[int, int]]] = []  # of each edge: shift and difference
        differences = self.differences()
        least = LEAST_OF_BITS if bits == 1 else LEAST_OF_CODES
        self.shared: SharedRows = share(differences, least)
        self.users = np.zeros(len(self.shared.rows), np.int64)
        for uses in self.shared.uses:
            for part, _ in uses:
                self.users[part] += 1
        self.known: dict[int, Number] = {}

    def differences(self) -> Ints:
        """A row for the ones, and one for the twos, of what each edge adds."""
        rows = self.digits.rows
        found: list[Ints] = []
        for edge in self.edges:
            added = rows[edge.row] - (edge.sign * rows[edge.parent] if edge.parent >= 0 else 0)
            pieces = []
            for shift in (0, 1):
                piece = np.where(np.abs(added) == 1 << shift, np.sign(added), 0)
                if piece.any():
                    pieces.append((shift, len(found)))
                    found.append(piece)
            self.pieces.append(pieces)
        return np.array(found, np.int64).reshape(len(found), rows.shape[1])

    def input(self, at: int) -> Number:
        """An input, an unsigned code."""
        nets = range(at * self.bits, (at + 1) * self.bits)
        return Number(tuple(map(wire, nets)), 0, 0, (1 << self.bits) - 1)

    def operands(self, part: int) -> list[Number]:
        """What a part is the sum of."""
        row = self.shared.rows[part]
        found = [self.number(other).times(sign) for other, sign in self.shared.uses[part]]
        return found + [self.input(int(at)).times(int(row[at])) for at in np.flatnonzero(row)]

    def number(self, part: int) -> Number:
        """The sum of a part."""
        if part not in self.known:
            self.known[part] = add_up(self.graph, self.operands(part), self.feasible)
        return self.known[part]

    def piece(self, part: int, shift: int) -> list[Number]:
        """A part's sum, or what it is the sum of where nothing else needs that."""
        if not self.users[part]:
            return [number.times(1, shift) for number in self.operands(part)]
        return [self.number(part).times(1, shift)]

    def rows(self) -> dict[int, Number]:
        """The number of each row."""
        found: dict[int, Number] = {}
        for edge, pieces in zip(self.edges, self.pieces, strict=True):
            operands = self.parent(edge, found)
            for shift, part in pieces:
                operands += self.piece(part, shift)
            total = add_up(self.graph, operands, self.feasible)
            found[edge.row] = narrowed(total, *self.span(self.digits.rows[edge.row]))
        return found

    def parent(self, edge: Edge, found: dict[int, Number]) -> list[Number]:
        """The row that another one is computed from."""
        return [found[edge.parent].times(edge.sign)] if edge.parent >= 0 else []

    def span(self, weights: Ints) -> tuple[int, int]:
        """The least and the greatest sum of inputs times these weights."""
        top = (1 << self.bits) - 1
        return top * int(weights[weights < 0].sum()), top * int(weights[weights > 0].sum())

    def outputs(self) -> tuple[Number | None, ...]:
        """The number of each output, before its unit."""
        rows, found = self.rows(), list[Number | None]()
        for members in self.digits.members:
            operands = [rows[row].times(sign, shift) for row, sign, shift in members]
            if len(operands) > 1:
                weights = sum(
                    (sign << shift) * self.digits.rows[row] for row, sign, shift in members
                )
                assert not isinstance(weights, int)
                total = add_up(self.graph, operands, self.feasible)
                operands = [narrowed(total, *self.span(weights))]
            found.append(operands[0] if operands else None)
        return tuple(found)


def sum_network(
    matrix: Ints, bits: int, feasible: Feasible | None, most_depth: int = MOST_DEPTH
) -> SumNetwork:
    """Adders for ``matrix @ x``, with ``matrix`` of integers ``(outputs, inputs)`` and x unsigned
    codes of ``bits`` bits. ``feasible``: what carry chains can do, None where they add bits alone.

    Rows are computed from others that differ in few weights, and what several differences have in
    common is computed once. The same for the same arguments.
    """
    digits = digit_rows(matrix)
    if not len(digits.rows):
        return SumNetwork(Graph(matrix.shape[1] * bits), (None,) * len(matrix), digits.units, 0, 0)
    builder = Builder(digits, bits, feasible, most_depth)
    sums = builder.outputs()
    parts = int((builder.users > 0).sum())
    return SumNetwork(builder.graph, sums, digits.units, len(digits.rows), parts)
