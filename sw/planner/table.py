"""The options of a stage as arrays, so that the cheapest at any prices is found at once."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from subbit.hw.contract.cost import Cost
from subbit.hw.contract.unit import Lanes
from subbit.sw.planner.costs import Option
from subbit.sw.planner.joins import counts_of

__all__ = ["Floats", "Table", "priced"]

Floats = NDArray[np.float64]
TIES = (0.02, 1e-3)  # of a flip-flop and a block RAM, where these cost nothing else
TIE_CYCLES = 1e-7  # of a cycle: of two options of one price the faster one


@dataclass(eq=False)
class Table:
    """Some ``options`` of a stage. ``cycles``: of each, exact once that was asked for. ``more``:
    what each costs beside its units, nothing if not said.
    """

    options: Sequence[Option]
    more: Sequence[Cost] = ()
    counts: Floats = field(init=False)
    blocks: NDArray[np.int64] = field(init=False)
    wires: Floats = field(init=False)
    cycles: NDArray[np.int64] = field(init=False)
    silent: Floats = field(init=False)
    o: tuple[Lanes, ...] = field(init=False)
    o_at: NDArray[np.int64] = field(init=False)
    inputs: list[tuple[tuple[Lanes, ...], NDArray[np.int64]]] = field(init=False)

    def __post_init__(self) -> None:
        rows = self.options
        costs = [option.cost for option in rows]
        if self.more:
            costs = [cost + more for cost, more in zip(costs, self.more, strict=True)]
        self.counts = np.array([counts_of(cost) for cost in costs], float).reshape(-1, 3)
        self.blocks = self.counts[:, 2].astype(np.int64)
        self.wires = np.array([o.wires for o in rows], float)
        self.cycles = np.array([o.cycles for o in rows], np.int64)
        self.silent = np.array([o.silent_share for o in rows], float)
        self.o, self.o_at = numbered([option.o for option in rows])
        ports = range(len(rows[0].inputs)) if rows else range(0)
        self.inputs = [numbered([option.inputs[port] for option in rows]) for port in ports]

    def priced(self, flip_flop: float, cycles: int) -> Floats:
        """The price of each option, infinite for those that are slower than ``cycles``."""
        price = priced(self.counts, flip_flop) + self.wires + TIE_CYCLES * self.cycles
        return np.where(self.cycles <= cycles, price, np.inf)


def priced(counts: Floats, flip_flop: float) -> Floats:
    """The price in LUT4s of cells counted in the last axis, where a flip-flop costs so many."""
    found: Floats = counts @ np.array([1.0, flip_flop + TIES[0], TIES[1]])
    return found


def numbered(lanes: Sequence[Lanes]) -> tuple[tuple[Lanes, ...], NDArray[np.int64]]:
    """The different payloads, and which of them each is."""
    distinct = tuple(dict.fromkeys(lanes))
    places = {payload: place for place, payload in enumerate(distinct)}
    return distinct, np.array([places[payload] for payload in lanes], np.int64)
