"""Adders of two numbers, of three, and of a number and single bits, on one carry chain each."""

from collections.abc import Sequence

from subbit.hw.families.netlist import AddPlace, BitFunction
from subbit.hw.trees.assemble import Feasible, combine
from subbit.hw.unrolled.numbers import Bits, Graph, Number, wire

__all__ = ["JOINING", "add", "add_three", "five_nets", "joined"]

AND, XOR = 0b1000, 0b0110
MAJORITY, ODD = 0b11101000, 0b10010110
ZERO = BitFunction.constant(0)
FIVE = 5  # bits that one chain of three places counts
JOINING = 3  # bits that an adder adds to a number


def five_nets(graph: Graph, units: list[BitFunction], feasible: Feasible) -> tuple[int, ...] | None:
    """Counts four or five bits on a chain of two places: the XORs of two pairs, then their ANDs;
    None where the chain cannot do it with these complements.
    """
    plain = [unit for unit in units if unit.table == 0b10]
    turned = [unit for unit in units if unit.table != 0b10]
    for order in ([*plain, *turned], [*turned, *plain], [*plain[1:], *turned, *plain[:1]]):
        a, b, c, d = order[:4]
        inject = order[4] if len(order) == FIVE else ZERO
        for low in ((a, b, c, d), (c, d, a, b)):
            odd = combine(XOR, *low[:2]), combine(XOR, *low[2:])
            both = combine(AND, *low[:2]), combine(AND, *low[2:])
            pairs = [AddPlace(*odd, 0, False), AddPlace(*both, 0, False)]
            if all(feasible(place) for place in pairs):
                u, v = zip(odd, both, strict=True)
                return graph.add(u, v, inject, carries=True)
    return None


def add(graph: Graph, one: Number, other: Number, carry: Number | None = None) -> Number:
    """The sum of two numbers and of a bit of the greater one of their shifts."""
    low, high = (one, other) if one.shift <= other.shift else (other, one)
    start, base = high.shift, low.shift
    offset, least, most = low.offset + high.offset, low.low + high.low, low.high + high.high
    if carry:
        offset, least, most = offset + carry.offset, least + carry.low, most + carry.high
    width = ((most - offset) >> base).bit_length()
    passed = low.bits[: start - base]
    passed += (ZERO,) * (start - base - len(passed))
    above = low.bits[start - base :]
    length = min(max(len(above), len(high.bits)), width - (start - base))
    u, v = (padded(bits, length) for bits in (above, high.bits))
    inject = carry.bits[0] if carry else ZERO
    nets = graph.add(u, v, inject, carries=width > start - base + length)
    return Number(passed + tuple(map(wire, nets)), offset, least, most, base)


def add_three(
    graph: Graph, numbers: Sequence[Number], bits: Sequence[Number], feasible: Feasible
) -> Number | None:
    """The sum of three numbers and up to two ``bits`` of the greatest of their shifts: in front of
    the chain lookup tables add without carries, and majorities are the carries, a place above.

    That takes a place less than two adders. None where the numbers overlap otherwise or the chain
    cannot do it.
    """
    if sum(number.bits[0].table == 0b01 for number in numbers) > 1:  # a majority of complements
        turned = add_three(
            graph, [n.negated for n in numbers], [bit.negated for bit in bits], feasible
        )
        return turned and turned.negated
    base, *others = sorted(number.shift for number in numbers)
    if others[0] != others[1]:
        return None
    start, skipped = others[0], others[0] - base
    rows = [number.bits[start - number.shift :] for number in numbers]
    long, middle, short = sorted(rows, key=len, reverse=True)
    both = [
        [row[at] for row in (long, middle, short) if at < len(row)] for at in range(len(middle))
    ]
    everything = [*numbers, *bits]
    offset, low, high = (
        sum(getattr(n, end) for n in everything) for end in ("offset", "low", "high")
    )
    width = ((high - offset) >> base).bit_length() - skipped
    length = min(max(len(long), len(both) + 1), width)
    if not 0 < len(both) <= length:
        return None
    odd = tuple(combine(ODD if len(units) > 2 else XOR, *units) for units in both)
    more = [combine(MAJORITY if len(units) > 2 else AND, *units) for units in both]
    single = [bit.bits[0] for bit in bits]
    u = padded(long, length)[len(odd) :]
    v = padded((single[0] if single else ZERO, *more), length)
    trial = [BitFunction((-1 - at,), 0b10) for at in range(len(odd))]
    if not all(
        feasible(AddPlace(one, other, 0, False)) for one, other in zip([*trial, *u], v, strict=True)
    ):
        return None
    inject = single[1] if len(single) > 1 else ZERO
    nets = graph.add(u, v, inject, carries=width > length, tables=odd)
    lowest = min(numbers, key=lambda number: number.shift).bits[:skipped]
    passed = padded(lowest, skipped)
    return Number(passed + tuple(map(wire, nets)), offset, low, high, base)


def joined(graph: Graph, number: Number, bits: list[Number]) -> Number:
    """The sum of a number and one to three bits of its shift: one as the other number, one as the
    carry-in, and the third by its XOR with the lowest bit and its AND with that, a place above.
    """
    if len(bits) < JOINING:
        return add(graph, number, bits[0], bits[1] if len(bits) > 1 else None)
    other, carry, third = bits
    lowest, *above = number.bits
    offset = number.offset + sum(bit.offset for bit in bits)
    low, high = (sum(getattr(n, end) for n in (number, *bits)) for end in ("low", "high"))
    width = ((high - offset) >> number.shift).bit_length()
    length = min(max(len(number.bits), 2), width)
    units = [lowest, third.bits[0]]
    u = (combine(XOR, *units), *padded(tuple(above), length - 1))
    v = padded((other.bits[0], combine(AND, *units)), length)
    nets = graph.add(u, v, carry.bits[0], carries=width > length)
    return Number(tuple(map(wire, nets)), offset, low, high, number.shift)


def padded(bits: Bits, length: int) -> Bits:
    """So many bits, with zeros at the end."""
    return (bits + (ZERO,) * length)[:length]
