"""Sums of numbers whose bits come in turns: what is kept from one turn to the next."""

from dataclasses import dataclass
from functools import cached_property
from math import ceil

from subbit.hw.contract.cost import Cost
from subbit.hw.dot.popcount import PORTABLE
from subbit.hw.families.netlist import BitFunction, CarryChain, Netlist
from subbit.hw.unrolled.adders import ZERO, padded
from subbit.hw.unrolled.cells import netlist_of
from subbit.hw.unrolled.network import PLACES, AdderNetwork, portable_cost
from subbit.hw.unrolled.numbers import Bits, Graph, Number, wire
from subbit.hw.unrolled.sums import SumNetwork

__all__ = ["Accumulators", "Kept", "accumulators_of"]

KEPT_UNLESS_FIRST = 0b0010  # of what is kept, and whether the turn is the first one
SUMS_A_FLAG = 16  # sums that share a register with the flag of the first turn


@dataclass(frozen=True)
class Kept:
    """One of the sums: ``number``, of a turn, as the network gives it. ``width``: bits of what is
    kept of it, ``below``: of those bits of the sum that no later turn changes.
    """

    number: Number
    width: int
    below: int


@dataclass(frozen=True, eq=False)
class Accumulators:
    """Over ``turns`` turns, with ``bits`` bits of each input in a turn, the lowest first, the sums

        total = sum over t of 2**(bits * t) * raw[t]

    of the numbers ``raw`` of a network. In each turn ``kept = (kept >> bits) + raw``, without what
    is kept in the first one; the bits shifted out are those of the total. An adder that is no wider
    than ``raw`` and a bit does for a total of any width.

    The adders of ``netlist`` read, by number of net: the bits of all raw numbers, what is kept of
    all sums without its lowest ``bits`` bits, and the flags of the first turn, one for each
    SUMS_A_FLAG sums. Latency: 1 cycle. ``sums``: the totals, for each output of the network, from
    the bits below and what is kept, sum by sum. ``form``: of the carry chains; ``added``: what the
    adders cost.
    """

    kept: tuple[Kept, ...]
    netlist: Netlist
    sums: SumNetwork
    bits: int
    turns: int
    form: str
    added: Cost

    @property
    def raws(self) -> tuple[Bits, ...]:
        """The nets of each raw number, as the network drives them."""
        return tuple(
            tuple(wire(bit.nets[0]) for bit in sum_.number.bits if bit.nets) for sum_ in self.kept
        )

    @property
    def flags(self) -> int:
        """Flags of the first turn."""
        return ceil(len(self.kept) / SUMS_A_FLAG)

    @cached_property
    def cost(self) -> Cost:
        """Estimated cost after mapping: adders, and registers of the sums."""
        below = sum(kept.below for kept in self.kept)
        registers = sum(kept.width for kept in self.kept) + below + self.flags
        return self.added + Cost(flip_flops=registers, more_lut4=below + self.flags)


def accumulators_of(network: AdderNetwork, bits: int, turns: int) -> Accumulators:
    """The sums of a network without levels, one for each of its different numbers."""
    known: dict[Bits, int] = {}
    found: list[Kept] = []
    factor = sum(1 << bits * turn for turn in range(turns))
    for number in network.sums.sums:
        if number is None or number.bits in known or number.negated.bits in known:
            continue
        known[number.bits] = len(found)
        most = factor * ((number.high - number.offset) >> number.shift)
        below = bits * (turns - 1)
        found.append(Kept(number, max(1, (most >> below).bit_length()), below))
    sums = totals(network, found, known, factor)
    netlist, added = adders(found, bits, network.form)
    return Accumulators(tuple(found), netlist, sums, bits, turns, network.form, added)


def totals(
    network: AdderNetwork, kept: list[Kept], known: dict[Bits, int], factor: int
) -> SumNetwork:
    """The total of each output, on nets of its own."""
    starts = [0]
    for one in kept:
        starts.append(starts[-1] + one.below + one.width)

    def total(number: Number | None) -> Number | None:
        if number is None:
            return None
        if number.bits not in known:
            turned = total(number.negated)
            return turned and turned.negated
        at, offset = known[number.bits], factor * number.offset
        low, high = (factor * end for end in (number.low, number.high))
        return Number(
            tuple(map(wire, range(starts[at], starts[at + 1]))), offset, low, high, number.shift
        )

    found = tuple(map(total, network.sums.sums))
    rows, parts = network.sums.rows, network.sums.parts
    return SumNetwork(Graph(starts[-1]), found, network.units, rows, parts)


def adders(kept: list[Kept], bits: int, form: str) -> tuple[Netlist, Cost]:
    """The adders of all sums, and what they cost."""
    raws = sum(bool(bit.nets) for one in kept for bit in one.number.bits)
    uppers = [max(0, one.width - bits) for one in kept]
    flags = ceil(len(kept) / SUMS_A_FLAG)
    graph = Graph(raws + sum(uppers) + flags)
    raw, upper, first = 0, raws, raws + sum(uppers)
    outputs: list[BitFunction] = []
    for at, (one, count) in enumerate(zip(kept, uppers, strict=True)):
        v: list[BitFunction] = []
        for bit in one.number.bits:
            v.append(BitFunction((raw,), bit.table) if bit.nets else bit)
            raw += bool(bit.nets)
        flag = first + at // SUMS_A_FLAG
        u = [BitFunction((upper + k, flag), KEPT_UNLESS_FIRST) for k in range(count)]
        upper += count
        length = min(max(len(u), len(v)), one.width)
        nets = graph.add(
            padded(tuple(u), length), padded(tuple(v), length), ZERO, carries=one.width > length
        )
        outputs += map(wire, nets)
    operations = tuple(graph.operations)
    limit = 0 if form == PORTABLE else PLACES
    cycles = [0] * len(operations)
    netlist = netlist_of(graph, operations, cycles, tuple(outputs), limit)
    if form == PORTABLE:  # each bit that is kept goes through a lookup table of its own
        return netlist, portable_cost(operations) + Cost(lut4=sum(uppers))
    chains = [cell for _, cell in netlist.cells if isinstance(cell, CarryChain)]
    return netlist, Cost(lut4=sum(2 * ceil(len(chain.places) / 2) for chain in chains))
