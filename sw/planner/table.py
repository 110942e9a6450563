"""The options of a stage as arrays, so that the cheapest at any prices is found at once."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from subbit.hw.contract.cost import RESOURCES, Cost
from subbit.hw.contract.unit import Lanes
from subbit.sw.planner.costs import Option
from subbit.sw.planner.joins import counts_of

__all__ = ["Floats", "Prices", "Table", "priced"]

Floats = NDArray[np.float64]
Prices = tuple[float, float]  # in LUT4s, of a flip-flop and a multiplier
TIES = (0.02, 1e-3, 1e-4)  # of a flip-flop, a block RAM, a multiplier that costs nothing else
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
        self.counts = np.array([counts_of(cost) for cost in costs], float).reshape(
            -1, len(RESOURCES)
        )
        self.blocks = self.counts[:, 2].astype(np.int64)
        self.wires = np.array([o.wires for o in rows], float)
        self.cycles = np.array([o.cycles for o in rows], np.int64)
        self.silent = np.array([o.silent_share for o in rows], float)
        self.o, self.o_at = numbered([option.o for option in rows])
        ports = range(len(rows[0].inputs)) if rows else range(0)
        self.inputs = [numbered([option.inputs[port] for option in rows]) for port in ports]

    def priced(self, prices: Prices, cycles: int) -> Floats:
        """The price of each option, infinite for those that are slower than ``cycles``."""
        price = priced(self.counts, prices) + self.wires + TIE_CYCLES * self.cycles
        return np.where(self.cycles <= cycles, price, np.inf)


def priced(counts: Floats, prices: Prices) -> Floats:
    """The price in LUT4s of cells counted in the last axis."""
    each = [1.0, prices[0] + TIES[0], TIES[1], prices[1] + TIES[2]]
    found: Floats = counts @ np.array(each)
    return found


def numbered(lanes: Sequence[Lanes]) -> tuple[tuple[Lanes, ...], NDArray[np.int64]]:
    """The different payloads, and which of them each is."""
    distinct = tuple(dict.fromkeys(lanes))
    places = {payload: place for place, payload in enumerate(distinct)}
    return distinct, np.array([places[payload] for payload in lanes], np.int64)
