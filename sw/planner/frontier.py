"""For one interval: the least area for every number of block RAMs, by dynamic programming."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from subbit.hw.contract.unit import Lanes
from subbit.sw.planner.joins import Join, Joins
from subbit.sw.planner.table import Floats, Prices, Table, priced

__all__ = ["Frontier", "Wait"]

Numbers = NDArray[np.int64]
Flags = NDArray[np.bool_]
ROUNDS = 2  # over all stages, where streams join


@dataclass(frozen=True)
class Wait:
    """Options of a stage that wait ``cycles`` a frame behind a giver of some payload: those that
    take ``i``, need ``own`` cycles, and have a share of ``silent`` rows.
    """

    i: Lanes
    own: int
    silent: float
    cycles: int


@dataclass(frozen=True, eq=False)
class Rest:
    """For each payload that a stage may take, and each number of block RAMs: the least price of the
    stage and of all behind it, and the stage's option.
    """

    price: Floats
    row: Numbers


@dataclass(frozen=True, eq=False)
class Reader:
    """A stage that reads a payload, and for each number of block RAMs which of the payloads that it
    may take it is given.
    """

    place: int
    rest: Rest
    payload: Numbers


@dataclass(frozen=True, eq=False)
class Readers:
    """Everything behind a payload. For each number of block RAMs: the ``price``, and the number
    that each reader but the first and what is behind it may take (``shares``).
    """

    price: Floats
    readers: Sequence[Reader]
    shares: Sequence[Numbers]


class Frontier:
    """The cheapest options of all stages that keep an interval of ``cycles`` and take at most so
    many block RAMs, for 0 to ``most`` of these.

    ``tables``: of each stage its options; ``prices``: of a flip-flop and a multiplier; ``waits``:
    what is known of windows that wait, by stream and payload. From the last stage to the first,
    each gets the least price for each payload that it may take. That is exact where no two streams
    join; where they do, width changes in front of all inputs but one are looked at afterwards.
    """

    def __init__(
        self,
        joins: Joins,
        tables: Sequence[Table],
        cycles: int,
        prices: Prices,
        most: int,
        waits: Mapping[tuple[Join, Lanes], Sequence[Wait]],
    ) -> None:
        self.joins, self.tables, self.cycles, self.most = joins, tables, cycles, most
        self.prices, self.known = prices, waits
        self.own = [table.priced(prices, cycles) for table in tables]
        self.behind: list[list[Readers]] = [[] for _ in tables]
        self._rests: dict[int, Rest] = {}
        self.start = self.worked_out()

    @property
    def blocks(self) -> list[int]:
        """The numbers of block RAMs with which less area is needed than with fewer, descending."""
        price = self.start.price
        before = np.concatenate(([np.inf], price[:-1]))
        found: list[int] = np.flatnonzero(price < before)[::-1].tolist()
        return found

    def rows(self, blocks: int) -> list[int]:
        """The option of each stage, by its row, for so many block RAMs, one of ``blocks``."""
        rows = [0] * len(self.tables)
        todo = [(self.start, blocks)]
        while todo:
            behind, left = todo.pop()
            for number in reversed(range(len(behind.readers))):
                reader = behind.readers[number]
                share = int(behind.shares[number - 1][left]) if number else left
                left -= share
                table = self.tables[reader.place]
                row = int(reader.rest.row[reader.payload[share], share])
                rows[reader.place] = row
                todo.append((self.behind[reader.place][table.o_at[row]], share - table.blocks[row]))
        for _ in range(0 if self.joins.is_tree else ROUNDS):
            for place in range(len(rows)):
                rows[place] = self.settled(place, rows)
        return rows

    def worked_out(self) -> Readers:
        """What reads the network's input."""
        for place in reversed(range(len(self.tables))):
            edges = [edge for edge in self.joins.out_of[place] if edge in self.joins.tree]
            self.behind[place] = [
                self.readers([self.reader(edge, o) for edge in edges])
                for o in range(len(self.tables[place].o))
            ]
        heads = [place for place in range(len(self.tables)) if not self.joins.into[place]]
        rests = {place: self.rest(place, None, None) for place in heads}
        zeros = np.zeros(self.most + 1, np.int64)
        first = [(Reader(place, rest, zeros), rest.price[0]) for place, rest in rests.items()]
        return self.readers(first)

    def reader(self, edge: Join, o: int) -> tuple[Reader, Floats]:
        """The taker of a stream with a payload of the giver, and its price."""
        payload = self.tables[edge.giver].o[o]
        slow = self.waiting(edge, payload)
        if slow is not None:
            rest = self.rest(edge.taker, edge.port, slow)
        else:
            if edge.taker not in self._rests:
                self._rests[edge.taker] = self.rest(edge.taker, edge.port, None)
            rest = self._rests[edge.taker]
        change = self.change(edge)[o]
        price = rest.price + change[:, None]
        least = price.argmin(axis=0)
        return Reader(edge.taker, rest, least), price.min(axis=0)

    def readers(self, found: Sequence[tuple[Reader, Floats]]) -> Readers:
        """All that read a payload, with the block RAMs shared out among them."""
        shares: list[Numbers] = []
        price = found[0][1] if found else np.zeros(self.most + 1)
        numbers = np.arange(self.most + 1)
        left = numbers[:, None] - numbers  # of so many block RAMs, if the reader takes so many
        for _, more in found[1:]:
            both = np.where(left >= 0, price[np.maximum(left, 0)] + more, np.inf)
            shares.append(both.argmin(axis=1))
            price = both.min(axis=1)
        return Readers(price, [reader for reader, _ in found], shares)

    def rest(self, place: int, port: int | None, slow: Flags | None) -> Rest:
        """See Rest; without the options that are ``slow``. A stage that reads the input alone has
        one payload.
        """
        table = self.tables[place]
        price = self.own[place] if slow is None else np.where(slow, np.inf, self.own[place])
        at = table.inputs[port][1] if port is not None else np.zeros(len(price), np.int64)
        rows = cheapest(price, (at, table.o_at, table.blocks), self.most)
        left = np.arange(self.most + 1) - table.blocks[rows][:, None]
        behind = np.array([readers.price for readers in self.behind[place]])
        rest = behind[table.o_at[rows][:, None], np.maximum(left, 0)]
        whole = np.where(left >= 0, rest + price[rows][:, None], np.inf)
        payloads = len(table.inputs[port][0]) if port is not None else 1
        found = Rest(
            np.full((payloads, self.most + 1), np.inf),
            np.zeros((payloads, self.most + 1), np.int64),
        )
        for payload in range(payloads):
            mine = np.flatnonzero(at[rows] == payload)
            if len(mine):
                best = whole[mine].argmin(axis=0)
                found.price[payload] = whole[mine].min(axis=0)
                found.row[payload] = rows[mine[best]]
        return found

    def change(self, edge: Join) -> Floats:
        """The prices of width changes from each payload of a giver to each of a taker."""
        giver, taker = self.tables[edge.giver], self.tables[edge.taker]
        return priced(self.joins.table(giver.o, taker.inputs[edge.port][0]), self.prices)

    def waiting(self, edge: Join, payload: Lanes) -> Flags | None:
        """Which options of a taker wait too long behind that payload, as far as that is known."""
        known = [w for w in self.known.get((edge, payload), ()) if w.cycles > self.cycles]
        if not known:
            return None
        taker = self.tables[edge.taker]
        lanes, at = taker.inputs[edge.port]
        found = np.zeros(len(taker.options), np.bool_)
        for wait in known:
            same = np.array([payload == wait.i for payload in lanes])[at]
            found |= same & (taker.cycles == wait.own) & (taker.silent == wait.silent)
        return found

    def settled(self, place: int, rows: Sequence[int]) -> int:
        """The cheapest option of a stage beside those of all others, with no more block RAMs."""
        table = self.tables[place]
        price = np.where(table.blocks <= table.blocks[rows[place]], self.own[place], np.inf)
        for edge in self.joins.into[place]:
            giver = self.tables[edge.giver]
            o = int(giver.o_at[rows[edge.giver]])
            price = price + self.change(edge)[o][table.inputs[edge.port][1]]
            slow = self.waiting(edge, giver.o[o])
            price = price if slow is None else np.where(slow, np.inf, price)
        for edge in self.joins.out_of[place]:
            taker = self.tables[edge.taker]
            i = taker.inputs[edge.port][1][rows[edge.taker]]
            change = self.change(edge)[:, i].copy()
            for o, payload in enumerate(table.o):
                slow = self.waiting(edge, payload)
                if slow is not None and slow[rows[edge.taker]]:
                    change[o] = np.inf
            price = price + change[table.o_at]
        return int(price.argmin()) if np.isfinite(price).any() else rows[place]


def cheapest(price: Floats, keys: Sequence[Numbers], most: int) -> Numbers:
    """The cheapest row for each combination of ``keys``, the last of which is at most ``most``."""
    usable = np.flatnonzero(np.isfinite(price) & (keys[-1] <= most))
    order = usable[np.argsort(price[usable], kind="stable")]
    packed = np.stack([key[order] for key in keys])
    _, first = np.unique(packed, axis=1, return_index=True)
    found: Numbers = order[first]
    return found
