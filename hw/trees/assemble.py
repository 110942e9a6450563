"""From a plan of a compressor tree to its netlist.

The plan says how many bits of each weight go where. Which ones these are is chosen here: bits are
added to others from about the same part of the input word, so that the wires of a tree are short.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from subbit.hw.families.netlist import (
    AddPlace,
    BitFunction,
    CarryChain,
    CarryTap,
    Lut,
    Netlist,
    Place,
)
from subbit.hw.trees.tree_plan import TreePlan, hosts
from subbit.sw.errors import PlanError

__all__ = ["Begin", "Feasible", "assemble", "combine", "lookup", "wire"]

Feasible = Callable[[AddPlace | CarryTap], bool]
Places = list[tuple[BitFunction, BitFunction]]
MIDDLE = 0.5


@dataclass
class Running:
    """A chain as it grows over the weights of a level: its carry-in, and the units at its places
    from weight ``start`` on.

    ``inject``: the unit that is its carry-in. ``at``: where its bits stand in the input word, from
    0 to 1. ``places``: two units each. ``ends``: whether its last carry is a bit of the sum.
    """

    start: int
    inject: BitFunction
    at: float
    places: Places = field(default_factory=list)
    ends: bool = True  # whether its last carry is a bit of the sum

    @property
    def length(self) -> int:
        """Places that it takes, that of its carry-in included."""
        return 1 + len(self.places)


@dataclass
class Begin:
    """A netlist with the cells before the plan's first level, and the units that are left to count,
    by weight: ``pairs`` (XNORs) and ``singles``.

    ``level``: where the plan's levels begin. ``last_level``: units that join in the last level, the
    bits of a running sum. ``where``: of a net the place in the input word, from 0 to 1.
    """

    netlist: Netlist
    pairs: list[list[BitFunction]]
    singles: list[list[BitFunction]]
    level: int = 0
    last_level: list[BitFunction] = field(default_factory=list)
    where: dict[int, float] = field(default_factory=dict)


def assemble(plan: TreePlan, begin: Callable[[], Begin], feasible: Feasible) -> Netlist:
    """The netlist that goes on as planned from what ``begin`` makes.

    ``feasible``: whether the fabric can do a place. Raises PlanError if the plan does not count.
    """
    # Wires with complements have to end somewhere; where that costs least shows only at the end.
    attempts = [attempt(plan, begin(), feasible, straight) for straight in (1, 2, 3)]
    return min(attempts, key=lambda netlist: netlist.lut4)


def attempt(plan: TreePlan, begin: Begin, feasible: Feasible, straight: int) -> Netlist:
    """``assemble``, with the last ``straight`` levels on wires without complements if possible."""
    netlist, pairs, singles = begin.netlist, begin.pairs, begin.singles
    netlist.levels = begin.level + plan.levels
    complements = any(pairs)
    singles = [sorted(bits, key=lambda unit: unit.table != 0b10) for bits in singles]
    for at in range(plan.levels):
        inverted = complements and at < plan.levels - straight
        level = Level(plan, netlist, at, begin.level + at, feasible, inverted, begin.where)
        if level.last and begin.last_level:
            singles = [
                [*bits, last_level]
                for last_level, bits in zip(begin.last_level, singles, strict=True)
            ]
        pairs, singles = level.build(pairs, singles)
    left = [p + s for p, s in zip(pairs, singles, strict=True)]
    if any(len(bits) > 1 for bits in left):
        raise PlanError("the compressor plan leaves bits uncounted")
    outputs = [bits[0] if bits else BitFunction.constant(0) for bits in left]
    last = begin.level + plan.levels - 1
    netlist.outputs = tuple(true_wire(netlist, last, unit) for unit in outputs)
    return netlist


def true_wire(netlist: Netlist, level: int, unit: BitFunction) -> BitFunction:
    """A bit as a net's value; a lookup table computes one that is not."""
    if unit.table == 0b10 or not unit.nets:
        return unit
    return lookup(netlist, level, unit)


def lookup(netlist: Netlist, level: int, unit: BitFunction) -> BitFunction:
    """The unit as a net, by a lookup table."""
    out = netlist.new_net(level)
    netlist.cells.append((level, Lut(unit, out)))
    return wire(out)


def wire(net: int, inverted: bool = False) -> BitFunction:
    """A net as a bit."""
    return BitFunction((net,), 0b01 if inverted else 0b10)


def combine(table: int, *bits: BitFunction) -> BitFunction:
    """A function of single bits: bit k of ``table`` for bit i of k the value of ``bits[i]``."""
    flips = sum((bit.table == 0b01) << at for at, bit in enumerate(bits))
    rows = sum((table >> (k ^ flips) & 1) << k for k in range(1 << len(bits)))
    return BitFunction(tuple(net for bit in bits for net in bit.nets), rows)


class Level:
    """One level of a netlist while it is built: fills the chains that the plan has at each weight
    with units, then emits the chains and lookup tables as cells.
    """

    def __init__(
        self,
        plan: TreePlan,
        netlist: Netlist,
        at: int,
        level: int,
        feasible: Feasible,
        complements: bool,
        where: dict[int, float],
    ) -> None:
        """Level ``at`` of the plan, ``level`` of the netlist."""
        self.chains, self.compressors, self.task = plan.chains[at], plan.compressors[at], plan.task
        self.netlist, self.level, self.feasible = netlist, level, feasible
        self.last = at == plan.levels - 1
        self.complements, self.where = complements, where
        self.top = plan.task.heights.width - 1
        self.done: list[Running] = []
        self.luts: list[tuple[int, BitFunction]] = []
        self.after_pairs: list[list[BitFunction]] = [[] for _ in self.chains]
        self.after: list[list[BitFunction]] = [[] for _ in self.chains]

    def build(
        self, pairs: list[list[BitFunction]], singles: list[list[BitFunction]]
    ) -> tuple[list[list[BitFunction]], list[list[BitFunction]]]:
        """Add the level's cells; returns the pairs and singles after it."""
        running: list[Running] = []
        ands: list[BitFunction] = []
        majorities: list[BitFunction] = []
        for w, count in enumerate(self.chains):
            while len(running) > count:
                self.done.append(running.pop())
            ands, majorities = self.weight(
                w, count, running, list(pairs[w]), list(singles[w]), ands, majorities
            )
        for chain in running:
            chain.ends = False
        self.done += running
        self.emit()
        return self.after_pairs, self.after

    def weight(
        self,
        w: int,
        count: int,
        running: list[Running],
        pairs: list[BitFunction],
        singles: list[BitFunction],
        ands: list[BitFunction],
        majorities: list[BitFunction],
    ) -> tuple[list[BitFunction], list[BitFunction]]:
        """Fill the places of one weight; returns the ANDs and majorities for the weight above."""
        pairs.sort(key=self.at)
        singles.sort(key=self.single)
        starts = count - len(running)
        above = self.chains[w + 1] if w < self.top else 0
        groups = min(self.compressors[w], len(singles) // 3, above)
        groups = 0 if self.last or self.task.plain else groups
        triples = [[singles.pop(0) for _ in range(3)] for _ in range(groups)]
        filled: Places = [(unit, self.nearest(unit, singles)) for unit in majorities]
        places = count - len(filled)
        room, shared = 2 * places, places if self.last else 2 * places

        now = min(len(pairs), room - len(ands), shared - len(ands))
        units, pairs = pairs[: now + starts], pairs[now + starts :]
        injects = pick(units, len(units) - now)
        more = min(starts - len(injects), len(singles))
        free = min(len(singles) - more, room - len(ands) - now)
        whole = [singles.pop()] if free and len(singles[-1].nets) > 1 else []
        alone = free - len(whole)
        limit = above if self.last else 2 * (above - groups)
        limit = (
            0 if self.task.plain else max(0, min(len(singles) - more - alone, alone, places, limit))
        )
        rest = pick(singles, more + alone + limit)
        injects += pick(rest, more)
        doubles, rest = neighbours(rest, limit)
        first = [combine(0b0110, *double) for double in doubles]
        filled += self.distributed(first, ands + units + whole, rest, places)

        injects += [BitFunction.constant(0)] * (starts - len(injects))
        running += [Running(w, inject, self.at(inject)) for inject in injects]
        chains = sorted(running, key=lambda chain: chain.at)
        for chain, pair in zip(chains, sorted(filled, key=self.between), strict=True):
            chain.places.append(pair)
            chain.at = self.between(pair)
        self.luts += [(w, combine(0b10010110, *triple)) for triple in triples]
        self.after_pairs[w] += pairs
        self.after[w] += singles
        return (
            [combine(0b1000, *double) for double in doubles],
            [combine(0b11101000, *triple) for triple in triples],
        )

    def at(self, *units: BitFunction) -> float:
        """Where bits stand in the input word, from 0 to 1."""
        nets = [self.where[net] for unit in units for net in unit.nets if net in self.where]
        return sum(nets) / len(nets) if nets else MIDDLE

    def between(self, pair: tuple[BitFunction, BitFunction]) -> float:
        """Where the two bits of a place stand."""
        return self.at(*pair)

    def single(self, unit: BitFunction) -> tuple[bool, bool, float]:
        """Order of single bits: those of several nets last, complements behind the others, as a
        place takes two of a kind.
        """
        return len(unit.nets) > 1, unit.table != 0b10, self.at(unit)

    def nearest(self, unit: BitFunction, bits: list[BitFunction]) -> BitFunction:
        """Takes the bit that stands nearest to a unit, or a constant 0."""
        if not bits:
            return BitFunction.constant(0)
        away = [abs(self.at(bit) - self.at(unit)) for bit in bits]
        return bits.pop(away.index(min(away)))

    def distributed(
        self,
        first: list[BitFunction],
        twos: list[BitFunction],
        ones: list[BitFunction],
        places: int,
    ) -> Places:
        """Two units a place, each with others from about the same part of the input word.

        Units of two nets, ``first`` and ``twos``, share a place only where they are too many, and
        no two of ``first`` do.
        """
        more = max(0, len(first) + len(twos) - places)
        if not more:
            first, twos = [], first + twos
        heads = evenly(len(first), places)
        others = [at for at in range(places) if at not in heads]
        shared = [heads[at] for at in evenly(min(more, len(heads)), len(heads))]
        shared += [others[at] for at in evenly(more - len(shared), len(others))]
        alone = [others[at] for at in evenly(len(twos) - more, len(others))]
        rows: list[list[BitFunction]] = [[] for _ in range(places)]
        for ats, units in ((heads, first), (sorted(alone + shared), twos)):
            for at, unit in zip(ats, sorted(units, key=self.at), strict=True):
                rows[at].append(unit)
        slots = [row for row in rows for _ in range(2 - len(row))]
        for at, unit in zip(evenly(len(ones), len(slots)), ones, strict=True):
            slots[at].append(unit)
        zero = BitFunction.constant(0)
        return [(row[0], row[1]) for row in ([*row, zero, zero] for row in rows)]

    def emit(self) -> None:
        """Put the chains of the level, and its lookup tables, into the netlist."""
        done = sorted(self.done, key=lambda chain: (not chain.ends, chain.at))
        for share in hosts([chain.length for chain in done], self.task.limit):
            places: list[Place] = []
            carry: tuple[int, int] | None = None  # weight and net of the carry to be given away
            for at in sorted(share):  # chains without a last carry are last
                carry = self.emit_chain(done[at], places, carry)
            if carry:
                places.append(CarryTap(BitFunction.constant(0), carry[1]))
            if len(places) % 2 and not self.task.plain:
                places += self.guest(done[share[0]].at)
            self.netlist.cells.append((self.level, CarryChain(tuple(places))))
        while self.luts:
            self.netlist.cells += [(self.level, lut) for lut in self.guest(0)]

    def guest(self, at: float) -> list[Lut]:
        """A lookup table for half a slice: the needed one nearest to a place of the input word, or
        one that makes a pair single.
        """
        if self.luts:
            away = [abs(self.at(unit) - at) for _, unit in self.luts]
            w, unit = self.luts.pop(away.index(min(away)))
        elif waiting := [w for w, pairs in enumerate(self.after_pairs) if pairs]:
            w = waiting[0]
            unit = self.after_pairs[w].pop(0)
        else:
            return []
        out = self.netlist.new_net(self.level)
        self.where[out] = self.at(unit)
        self.after[w].append(wire(out, self.complements))
        return [Lut(unit.inverted if self.complements else unit, out)]

    def emit_chain(
        self, chain: Running, places: list[Place], carry: tuple[int, int] | None
    ) -> tuple[int, int] | None:
        """Append a chain's places; returns the carry that it leaves."""
        outs = [self.netlist.new_net(self.level) for _ in chain.places]
        inverted, adds = self.polarity(chain, outs)
        inject = chain.inject.inverted if inverted else chain.inject
        places.append(CarryTap(inject, carry[1] if carry else None))
        places += adds
        for at, (pair, out) in enumerate(zip(chain.places, outs, strict=True)):
            self.where[out] = self.between(pair)
            self.after[chain.start + at].append(wire(out, inverted))
        if not chain.ends:
            return None
        net = self.netlist.new_net(self.level)
        self.where[net] = chain.at
        w = chain.start + len(outs)
        self.after[w].append(wire(net, inverted))
        return w, net

    def polarity(self, chain: Running, outs: list[int]) -> tuple[bool, list[AddPlace]]:
        """Whether the chain's wires hold complements, and its places.

        Two pairs can only be added on complemented wires (the generate function sees no inverter),
        and complemented bits go on so; the last levels prefer wires that are not complemented. A
        lookup table takes the place of a unit that the fabric cannot add.
        """
        choices = [
            [AddPlace(u, v, out, inverted) for (u, v), out in zip(chain.places, outs, strict=True)]
            for inverted in (self.complements, not self.complements)
        ]
        adds = min(choices, key=lambda adds: sum(not self.feasible(add) for add in adds))
        return adds[0].inverted, [self.mended(add) for add in adds]

    def mended(self, add: AddPlace) -> AddPlace:
        """A place that the fabric can do."""
        if self.feasible(add):
            return add
        one = AddPlace(lookup(self.netlist, self.level, add.u), add.v, add.out, add.inverted)
        if self.feasible(one):
            return one
        two = lookup(self.netlist, self.level, add.v)
        return AddPlace(one.u, two, add.out, add.inverted)


def evenly(count: int, of: int) -> list[int]:
    """So many of the numbers from 0 to ``of - 1``, at even distances."""
    return [(2 * at + 1) * of // (2 * count) for at in range(count)]


def neighbours(
    bits: list[BitFunction], count: int
) -> tuple[list[tuple[BitFunction, BitFunction]], list[BitFunction]]:
    """Of the bits so many pairs of neighbours, at even distances, and the others."""
    chosen, waiting = set(evenly(count, len(bits) - count)), iter(bits)
    doubles, rest = [], []
    for at in range(len(bits) - count):
        if at in chosen:
            doubles.append((next(waiting), next(waiting)))
        else:
            rest.append(next(waiting))
    return doubles, rest


def pick(bits: list[BitFunction], count: int) -> list[BitFunction]:
    """Takes so many of the bits, at even distances."""
    places = set(evenly(count, len(bits)))
    taken = [unit for at, unit in enumerate(bits) if at in places]
    bits[:] = [unit for at, unit in enumerate(bits) if at not in places]
    return taken
