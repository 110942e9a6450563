"""The streams between stages while a plan is searched: what width changes take, and how long
windows wait behind them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import lcm

import numpy as np
from numpy.typing import NDArray

from subbit.hw.contract.cost import Cost
from subbit.hw.contract.unit import Lanes, Unit
from subbit.hw.families.table import family
from subbit.hw.link.results import results_cost
from subbit.hw.streams.width import DownsizeUnit, UpsizeUnit
from subbit.sw.ir.network import INPUT, Network
from subbit.sw.lower.graph import edges
from subbit.sw.lower.stages.stage import Stage
from subbit.sw.planner.costs import Costs, Option, feed_cost, total

__all__ = ["Join", "Joins", "counts_of"]

Counts = NDArray[np.float64]


@dataclass(frozen=True)
class Join:
    """A stream from one stage to an input of another, by their positions."""

    giver: int
    taker: int
    port: int

    def lanes(self, chosen: Sequence[Option]) -> tuple[Lanes, Lanes]:
        """The payload given, and that taken."""
        return chosen[self.giver].o, chosen[self.taker].inputs[self.port]


class Joins:
    """The streams between the stages of a network.

    ``tree``: of the streams into a stage the one from the latest stage. Together they are a tree
    behind each stage that reads the input alone, or nothing but. ``port``: the first stage that
    reads the frames, by position, and by which of its inputs; ``last``: the last stage.
    """

    def __init__(self, network: Network, stages: Sequence[Stage], costs: Costs) -> None:
        self.costs = costs
        self.edges = joins_of(network, stages)
        places = range(len(stages))
        self.into = [[e for e in self.edges if e.taker == place] for place in places]
        self.out_of = [[e for e in self.edges if e.giver == place] for place in places]
        latest = [max(row, key=lambda e: e.giver) for row in self.into if row]
        self.tree = set(latest)
        self.port, self.last = input_port(network, stages), len(stages) - 1
        self._feeds: dict[int, Cost] = {}
        self._results: dict[Lanes, Cost] = {}
        self._costs: dict[tuple[Lanes, Lanes], Cost] = {}
        self._tables: dict[tuple[tuple[Lanes, ...], tuple[Lanes, ...]], Counts] = {}
        self._waits: dict[object, int] = {}

    @property
    def is_tree(self) -> bool:
        """Whether no stage reads the streams of two."""
        return len(self.tree) == len(self.edges)

    def cost(self, o: Lanes, i: Lanes) -> Cost:
        """Width changes from one payload to another."""
        if (o, i) not in self._costs:
            units = width_changes(o, i, beats=0)
            self._costs[o, i] = total(self.costs.lines.of(unit) for unit in units)
        return self._costs[o, i]

    def table(self, o: tuple[Lanes, ...], i: tuple[Lanes, ...]) -> Counts:
        """The counts of cells of those from each payload of ``o`` to each of ``i``."""
        if (o, i) not in self._tables:
            rows = [[counts_of(self.cost(given, taken)) for taken in i] for given in o]
            self._tables[o, i] = np.array(rows, float)
        return self._tables[o, i]

    def of(self, chosen: Sequence[Option]) -> Cost:
        """All of them between the options chosen, and what the host link takes for the first and
        last beats.
        """
        joins = total(self.cost(*edge.lanes(chosen)) for edge in self.edges)
        return joins + total(self.link(place, option) for place, option in enumerate(chosen))

    def link(self, position: int, option: Option) -> Cost:
        """What the host link takes to fill the beats of an option of the stage that reads the
        frames, or to take apart those of the last stage.
        """
        network, fabric = self.costs.network, self.costs.fabric
        found = Cost()
        if position == self.port[0]:
            lanes = option.inputs[self.port[1]].lanes
            if lanes not in self._feeds:
                self._feeds[lanes] = feed_cost(network, fabric, lanes)
            found += self._feeds[lanes]
        if position == self.last:
            if option.o not in self._results:
                self._results[option.o] = family(fabric).cost(results_cost(network, option.o))
            found += self._results[option.o]
        return found

    def waiting(self, edge: Join, chosen: Sequence[Option], cycles: int) -> int:
        """The cycles of a window behind a width change: the rows that give no output come no faster
        than through that. 0 where there is none; about so many where that is within ``cycles``, or
        where the exact number takes long.
        """
        o, i = edge.lanes(chosen)
        giver, taker = chosen[edge.giver], chosen[edge.taker]
        if i.lanes <= o.lanes or not taker.silent_share:
            return 0
        most = taker.cycles + int(taker.silent_share * giver.beats)
        if most <= cycles:
            return most
        key = (o, self.costs.key(taker.stage))
        if key not in self._waits:
            self._waits[key] = self.measured(o, i, giver, taker) or most
        return self._waits[key]

    def measured(self, o: Lanes, i: Lanes, giver: Option, taker: Option) -> int:
        """The same by the model, a beat of the giver on offer in every cycle; 0 where that would
        take long.
        """
        units = [*width_changes(o, i, giver.beats), *self.costs.units(taker.stage)]
        return self.costs.measured(units)


def counts_of(cost: Cost) -> tuple[int, ...]:
    """LUT4s, flip-flops, block RAMs and multipliers."""
    return tuple(cost.counts.values())


def width_changes(o: Lanes, i: Lanes, beats: int) -> list[Unit]:
    """The units that lead from one payload, ``beats`` a frame, to another; with 0 beats for their
    cost alone.
    """
    whole = lcm(o.lanes, i.lanes)
    units: list[Unit] = []
    if whole > o.lanes:
        ratio = whole // o.lanes
        units.append(UpsizeUnit(element=o, ratio=ratio, beats=beats or ratio))
        beats //= ratio
    if whole > i.lanes:
        element = Lanes(whole, o.bits, o.signed)
        units.append(DownsizeUnit(element=element, ratio=whole // i.lanes, beats=beats or 1))
    return units


def joins_of(network: Network, stages: Sequence[Stage]) -> list[Join]:
    """The streams between stages."""
    at = {stage.layers[-1]: position for position, stage in enumerate(stages)}
    streams = edges(network, [stage.layers for stage in stages])
    return [
        Join(at[edge.tensor], taker, port)
        for taker, stage in enumerate(stages)
        for port, edge in enumerate(streams[stage.layers[0]])
        if edge.tensor in at
    ]


def input_port(network: Network, stages: Sequence[Stage]) -> tuple[int, int]:
    """The first stage that reads the network's input, by position, and by which of its inputs."""
    streams = edges(network, [stage.layers for stage in stages])
    ports = (
        (position, port)
        for position, stage in enumerate(stages)
        for port, edge in enumerate(streams[stage.layers[0]])
        if edge.tensor == INPUT
    )
    return next(ports, (0, 0))
