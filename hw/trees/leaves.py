"""Level 0 of compressor trees whose units are more than a fabric's carry chains can take."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from subbit.hw.families.netlist import AddPlace, BitFunction, CarryChain, CarryTap, Netlist, Place
from subbit.hw.trees.assemble import Begin, combine, lookup, wire

__all__ = ["MATCH", "XNOR", "Leaves"]

XNOR, MATCH = 0b1001, 0b10010000  # of x and w; of x, w and mask
INSIDE = 0b0100  # of the complement of a bit, and a mask
PAIR, MASKED = 2, 3  # nets of a unit that chains take as it is; of one with a mask, its last net
LOOSE = 8  # of so many bits one is not compressed but left as a carry-in of later chains


@dataclass(frozen=True)
class Compressor:
    """Three units of one ``weight`` that level 0 counts into two bits, of that weight and the next;
    ``mask``: the net of the mask that they share and that is applied behind, None without.
    """

    weight: int
    units: tuple[BitFunction, BitFunction, BitFunction]
    mask: int | None = None


@dataclass(frozen=True)
class Leaves:
    """The ``units`` of a count, by weight, and which of them level 0 compresses, because they
    are functions of more nets than a carry chain takes.

    ``plain``: whether the fabric's chains add nothing but single bits. ``direct``: there is no
    level 0, as the chains take the units as they are. ``compressors``: what it compresses.
    ``alone``: the units, by weight, that become nets on their own.
    """

    units: list[list[BitFunction]]
    plain: bool
    direct: bool
    compressors: list[Compressor]
    alone: list[list[BitFunction]]

    @classmethod
    def of(cls, units: list[list[BitFunction]], plain: bool) -> "Leaves":
        """The leaves of a count of units."""
        nets = max(len(unit.nets) for row in units for unit in row)
        compressors, alone = list[Compressor](), []
        for weight, row in enumerate(units):
            rest = row
            if nets == MASKED and not plain:
                masked, rest = same_mask(weight, row)
                compressors += masked
            count = (len(rest) - len(rest) // LOOSE) // 3
            compressors += [Compressor(weight, (p, q, r)) for p, q, r in triples(rest[: 3 * count])]
            alone.append(rest[3 * count :])
        return cls(units, plain, nets <= PAIR and not plain, compressors, alone)

    @property
    def heights(self) -> tuple[list[int], list[int]]:
        """Pairs, and single bits, by weight, after level 0."""
        counts = [len(row) for row in self.units]
        if self.direct:
            pairs = any(len(unit.nets) == PAIR for row in self.units for unit in row)
            return (counts, []) if pairs else ([], counts)
        after = [0] * (len(counts) + 1), [*map(len, self.alone), 0]
        for compressor in self.compressors:
            bits = after[compressor.mask is None]
            bits[compressor.weight] += 1
            bits[compressor.weight + 1] += 1
        more = any(row[-1] for row in after)
        return after[0][: len(counts) + more], after[1][: len(counts) + more]

    def begin(self, netlist: Netlist, width: int, limit: int, where: dict[int, float]) -> Begin:
        """The netlist with level 0, and what the plan's levels begin with; ``where`` its inputs
        are.
        """
        begun = Begin(netlist, [[] for _ in range(width)], [[] for _ in range(width)], where=where)
        if self.direct:
            waiting = begun.pairs if any(self.heights[0]) else begun.singles
            waiting[: len(self.units)] = [list(row) for row in self.units]
            return begun
        begun.level = 1
        for compressor, (low, high) in self.counted(netlist, limit):
            if compressor.mask is not None:
                low, high = (
                    BitFunction((bit.nets[0], compressor.mask), INSIDE) for bit in (low, high)
                )
            place = [where[net] for unit in compressor.units for net in unit.nets]
            where[low.nets[0]] = where[high.nets[0]] = sum(place) / len(place)
            waiting = begun.singles if compressor.mask is None else begun.pairs
            waiting[compressor.weight].append(low)
            waiting[compressor.weight + 1].append(high)
        for weight, row in enumerate(self.alone):
            for unit in row:
                begun.singles[weight].append(lookup(netlist, 0, unit))
                where[begun.singles[weight][-1].nets[0]] = where[unit.nets[0]]
        return begun

    def counted(
        self, netlist: Netlist, limit: int
    ) -> Iterator[tuple[Compressor, tuple[BitFunction, BitFunction]]]:
        """The compressors with sum and carry of each."""
        if self.plain:
            yield from (
                (compressor, in_luts(netlist, *compressor.units)) for compressor in self.compressors
            )
            return
        for masked in (False, True):
            compressors = [
                compressor
                for compressor in self.compressors
                if (compressor.mask is not None) == masked
            ]
            yield from zip(compressors, in_chains(netlist, compressors, masked, limit), strict=True)


def triples(units: list[BitFunction]) -> Iterator[tuple[BitFunction, BitFunction, BitFunction]]:
    """The units in groups of three."""
    return zip(units[::3], units[1::3], units[2::3], strict=True)


def same_mask(weight: int, units: list[BitFunction]) -> tuple[list[Compressor], list[BitFunction]]:
    """Compressors of units with the same mask, without it; and the units that are left over."""
    by_mask: dict[int, list[BitFunction]] = {}
    for unit in units:
        by_mask.setdefault(unit.nets[-1], []).append(unit)
    found, left = list[Compressor](), list[BitFunction]()
    for mask, same in by_mask.items():
        count = len(same) // 3 * 3
        bare = [BitFunction(unit.nets[:-1], XNOR) for unit in same[:count]]
        found += [Compressor(weight, (p, q, r), mask) for p, q, r in triples(bare)]
        left += same[count:]
    return found, left


def in_luts(
    netlist: Netlist, p: BitFunction, q: BitFunction, r: BitFunction
) -> tuple[BitFunction, BitFunction]:
    """Sum and carry of three units, in four lookup tables, or five if they have three nets."""
    if max(len(unit.nets) for unit in (p, q, r)) > PAIR:
        p, q, r = (lookup(netlist, 0, unit) for unit in (p, q, r))
        low, high = combine(0b10010110, p, q, r), combine(0b11101000, p, q, r)
        return lookup(netlist, 0, low), lookup(netlist, 0, high)
    first = lookup(netlist, 0, p)
    odd = lookup(netlist, 0, function(lambda a, b: a ^ b, p, q))
    low = lookup(netlist, 0, function(lambda a, b: a ^ b, odd, r))
    high = lookup(netlist, 0, function(lambda a, b, c: b if a else c, odd, r, first))
    return low, high


def in_chains(
    netlist: Netlist, compressors: list[Compressor], pairs: bool, limit: int
) -> list[tuple[BitFunction, BitFunction]]:
    """Sum and carry of compressors: of ``pairs``, on wires with complements, or of units of three
    nets.

    Of three nets, two units become nets before the chain adds the third.
    """
    found: list[tuple[BitFunction, BitFunction]] = []
    most = max(1, (limit - 1) // 2)
    for start in range(0, len(compressors), most):
        places: list[Place] = []
        carry: int | None = None
        for compressor in compressors[start : start + most]:
            inject, u, v = compressor.units
            if pairs:
                inject = inject.inverted
            else:
                inject, v = lookup(netlist, 0, inject), lookup(netlist, 0, v)
            low, high = netlist.new_net(0), netlist.new_net(0)
            places += [CarryTap(inject, carry), AddPlace(u, v, low, pairs)]
            carry = high
            found.append((wire(low, pairs), wire(high, pairs)))
        places.append(CarryTap(BitFunction.constant(0), carry))
        netlist.cells.append((0, CarryChain(tuple(places))))
    return found


def function(table: Callable[..., int], *units: BitFunction) -> BitFunction:
    """A function of units as one unit of all their nets."""
    nets = tuple(net for unit in units for net in unit.nets)
    rows = 0
    for k in range(1 << len(nets)):
        values, at = [], 0
        for unit in units:
            values.append(unit.value([k >> (at + i) & 1 for i in range(len(unit.nets))]))
            at += len(unit.nets)
        rows |= table(*values) << k
    return BitFunction(nets, rows)
