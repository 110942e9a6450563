"""Compressor netlists for the XNOR-popcounts of engines."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from subbit.sw.compress.assemble import Begin, assemble, combine, lookup, wire
from subbit.sw.compress.fabric import FABRICS, Fabric
from subbit.sw.compress.netlist import Add, Chain, Netlist, Place, Turn, Unit
from subbit.sw.compress.plan import Heights, Task
from subbit.sw.compress.search import find_plan

__all__ = ["Popcount", "ones_netlist", "popcount_netlist", "task_of"]

XNOR, MATCH = 0b1001, 0b10010000  # of x and w; of x, w and mask
LOOSE = 8  # of so many bits, one is not counted in threes but kept as carry-in


@dataclass(frozen=True)
class Popcount:
    """``sum over l, b, k of scales[k] * 2**b * (xnor(x[l, b], w[k, l]) & mask[l])`` of one row.

    ``scales``: for each bit plane k of the weights the power of two that it counts. Nets: for each
    position l its ``bits`` bits of ``x``, then its mask bit if ``masked``; then ``w``, plane by
    plane (``k * simd + l``), unless the weights are constant (``weights``, in the same order). With
    ``total``, a width, the result is a running sum of the counts since that which came with net
    ``first`` at 1, modulo 2**total; the bits of the sum are the last nets. ``fabric``: whose carry
    chains; ``limit``: their places; ``depth``: levels between registers.
    """

    simd: int
    bits: int = 1
    masked: bool = False
    weights: tuple[int, ...] | None = None
    total: int = 0
    fabric: str = "ecp5"
    limit: int = 32
    depth: int = 1
    scales: tuple[int, ...] = (1,)

    def __post_init__(self) -> None:
        if not self.scales or any(scale.bit_count() != 1 for scale in self.scales):
            raise ValueError(f"scales are powers of two, not {self.scales!r}")
        if self.weights is not None and len(self.weights) != self.simd * len(self.scales):
            raise ValueError(f"{self.simd * len(self.scales)} weights, not {len(self.weights)}")

    @property
    def lane(self) -> int:
        """Nets of a position."""
        return self.bits + self.masked

    @property
    def first(self) -> int:
        """The net that starts a new sum."""
        return self.simd * (self.lane + (self.weights is None) * len(self.scales))

    @property
    def inputs(self) -> int:
        """Nets that come from outside, running sum included."""
        return self.first + (1 + self.total if self.total else 0)

    @property
    def width(self) -> int:
        """Bits of the result."""
        return self.total or (self.simd * ((1 << self.bits) - 1) * sum(self.scales)).bit_length()

    @property
    def matches(self) -> list[list[Unit]]:
        """The bits to count, by weight."""
        found: list[list[Unit]] = [[] for _ in range(self.bits + max(self.scales).bit_length() - 1)]
        for plane, scale in enumerate(self.scales):
            for bit in range(self.bits):
                units = [self.match(position, bit, plane) for position in range(self.simd)]
                found[bit + scale.bit_length() - 1] += units
        return found

    def match(self, position: int, bit: int, plane: int = 0) -> Unit:
        """Whether a bit of a position matches a bit of its weight, and is not masked out."""
        x = position * self.lane + bit
        mask = position * self.lane + self.bits
        weight = plane * self.simd + position
        if self.weights is None:
            w = self.simd * self.lane + weight
            return Unit((x, w, mask), MATCH) if self.masked else Unit((x, w), XNOR)
        ones = self.weights[weight]
        if self.masked:
            return Unit((x, mask), 0b1000 if ones else 0b0100)
        return Unit((x,), 0b10 if ones else 0b01)


@lru_cache(maxsize=64)
def popcount_netlist(popcount: Popcount) -> Netlist:
    """The cells that count. Raises PlanError if there is no way to."""
    return count(popcount, popcount.matches, FABRICS[popcount.fabric])


@lru_cache(maxsize=64)
def ones_netlist(ones: int, value: int, fabric: str, limit: int, depth: int) -> Netlist:
    """Counts those of ``ones`` nets that are ``value``."""
    shape = Popcount(ones, 1, False, (value,) * ones, 0, fabric, limit, depth)
    return popcount_netlist(shape)


def threes_of(popcount: Popcount, bits: list[list[Unit]]) -> list[int] | None:
    """Groups of three to count before the plan's levels, by weight; None where units need none.

    Carry chains of a fabric that is not plain take units of up to two nets as they are.
    """
    nets = max(len(unit.nets) for units in bits for unit in units)
    if nets <= 2 and not FABRICS[popcount.fabric].plain:
        return None
    return [(len(units) - len(units) // LOOSE) // 3 for units in bits]


def task_of(popcount: Popcount) -> Task:
    """What there is to plan for a count."""
    bits = popcount.matches
    threes = threes_of(popcount, bits)
    counts = [len(units) for units in bits]
    nets = popcount.masked + (popcount.weights is None) + 1  # of a unit
    pairs, singles = (counts, []) if nets == 2 else ([], counts)
    if threes is not None:
        alone = [count - 2 * three for count, three in zip(counts, threes, strict=True)]
        pairs, singles = [], [a + b for a, b in zip([*alone, 0], [0, *threes], strict=True)]
    heights = Heights.of(pairs, singles, popcount.width)
    return Task(heights, popcount.limit, FABRICS[popcount.fabric].plain, bool(popcount.total))


def count(popcount: Popcount, bits: list[list[Unit]], fabric: Fabric) -> Netlist:
    """The netlist that counts units, by weight."""
    task, threes = task_of(popcount), threes_of(popcount, bits)

    def begin() -> Begin:
        netlist = Netlist(popcount.inputs, 0, popcount.depth)
        empty: list[list[Unit]] = [[] for _ in range(task.heights.width)]
        begun = Begin(netlist, [*empty], [*map(list, empty)])
        if threes is None:
            waiting = begun.pairs if any(task.heights.pairs) else begun.singles
            waiting[: len(bits)] = [list(units) for units in bits]
        else:
            leaves(begun, bits, threes, fabric, popcount.limit)
            begun.level = 1
        if popcount.total:
            netlist.sums = tuple(range(popcount.first + 1, popcount.inputs))
            begun.late = [Unit((net, popcount.first), 0b0010) for net in netlist.sums]
        return begun

    return assemble(find_plan(task), begin, fabric.feasible)


def leaves(
    begun: Begin, bits: list[list[Unit]], threes: list[int], fabric: Fabric, limit: int
) -> None:
    """Level 0 of trees whose units are no pairs: some in threes, the others as single nets."""
    for w, (units, groups) in enumerate(zip(bits, threes, strict=True)):
        grouped = [units[3 * at : 3 * at + 3] for at in range(groups)]
        if fabric.plain:
            counted = [three_in_luts(begun.netlist, *group) for group in grouped]
        else:
            counted = three_in_chains(begun.netlist, grouped, limit)
        begun.singles[w] += [s for s, _ in counted]
        if counted:
            begun.singles[w + 1] += [c for _, c in counted]
        begun.singles[w] += [lookup(begun.netlist, 0, unit) for unit in units[3 * groups :]]


def three_in_luts(netlist: Netlist, p: Unit, q: Unit, r: Unit) -> tuple[Unit, Unit]:
    """Sum and carry of three units, in four lookup tables, or five if they have three nets."""
    if max(len(unit.nets) for unit in (p, q, r)) > 2:
        p, q, r = (lookup(netlist, 0, unit) for unit in (p, q, r))
        low, high = combine(0b10010110, p, q, r), combine(0b11101000, p, q, r)
        return lookup(netlist, 0, low), lookup(netlist, 0, high)
    first = lookup(netlist, 0, p)
    odd = lookup(netlist, 0, function(lambda a, b: a ^ b, p, q))
    low = lookup(netlist, 0, function(lambda a, b: a ^ b, odd, r))
    high = lookup(netlist, 0, function(lambda a, b, c: b if a else c, odd, r, first))
    return low, high


def three_in_chains(
    netlist: Netlist, groups: list[list[Unit]], limit: int
) -> list[tuple[Unit, Unit]]:
    """Sum and carry of threes of units of three nets: two become nets, a chain adds the third."""
    found: list[tuple[Unit, Unit]] = []
    for start in range(0, len(groups), max(1, (limit - 1) // 2)):
        places: list[Place] = []
        carry: int | None = None
        for p, q, r in groups[start : start + max(1, (limit - 1) // 2)]:
            inject, single = lookup(netlist, 0, q), lookup(netlist, 0, r)
            low, high = netlist.new_net(0), netlist.new_net(0)
            places += [Turn(inject, carry), Add(p, single, low, False)]
            carry = high
            found.append((wire(low), wire(high)))
        places.append(Turn(Unit.constant(0), carry))
        netlist.cells.append((0, Chain(tuple(places))))
    return found


def function(table: Callable[..., int], *units: Unit) -> Unit:
    """A function of units as one unit of all their nets."""
    nets = tuple(net for unit in units for net in unit.nets)
    rows = 0
    for k in range(1 << len(nets)):
        values, at = [], 0
        for unit in units:
            values.append(unit.value([k >> (at + i) & 1 for i in range(len(unit.nets))]))
            at += len(unit.nets)
        rows |= table(*values) << k
    return Unit(nets, rows)
