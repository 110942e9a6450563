"""Adding numbers up: counters of single bits, and adders in the order that takes fewest places."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

from subbit.hw.families.netlist import AddPlace, BitFunction
from subbit.hw.trees.assemble import Feasible, combine
from subbit.hw.unrolled.numbers import Bits, Graph, Number, wire

__all__ = ["add_up", "narrowed"]

AND, XOR = 0b1000, 0b0110
MAJORITY, ODD = 0b11101000, 0b10010110
ZERO = BitFunction.constant(0)
FIVE = 5  # bits that one chain of three places counts
JOINING = 3  # bits that an adder adds to a number


def add_up(graph: Graph, numbers: Sequence[Number], feasible: Feasible | None) -> Number:
    """The sum of one or more numbers, with the operations that compute it.

    ``feasible``: what carry chains can do, where they take functions of bits; None where they add
    bits alone. Numbers of a single bit are carry-ins of adders, as far as these go, and are counted
    before; the numbers are added two by two, the smallest first.
    """
    waiting = [number for number in numbers if len(number.bits) != 1]
    singles: dict[int, list[Number]] = {}
    for number in numbers:
        if len(number.bits) == 1:
            singles.setdefault(number.shift, []).append(number)
    carries: dict[int, list[Number]] = {}
    for shift, bits in sorted(singles.items()):
        bits.sort(key=graph.ready)
        # Each adder takes a bit. A few more join a number; a counter of more adds an adder.
        adders = max(0, sum(other.top > shift for other in waiting) - 1)
        fitting = at_shift(waiting, shift)
        few = min(len(bits), JOINING if feasible else JOINING - 1)
        if len(bits) > adders and fitting and len(bits) - adders <= few:
            joining = bits[adders:]
            waiting.remove(fitting)
            waiting.append(joined(graph, fitting, joining))
            carries[shift] = bits[:adders]
            continue
        kept = min(len(bits), adders + bool(waiting) * (len(bits) > adders))
        counted, carries[shift] = bits[: len(bits) - kept], bits[len(bits) - kept :]
        if counted:
            waiting.append(count(graph, counted, feasible))
    while len(waiting) > 1:
        waiting.sort(key=lambda number: (number.top, graph.ready(number)))
        one, other = waiting[:2]
        at = max(one.shift, other.shift)
        carry = carries[at].pop(0) if carries.get(at) else None
        waiting[:2] = [add(graph, one, other, carry)]
    [total] = waiting
    for bit in (bit for bits in carries.values() for bit in bits):
        total = add(graph, total, bit, None)
    return total


@dataclass(frozen=True)
class Count:
    """How bits are counted: in ``places`` of carry chains and lookup tables.

    Those ``first`` bits and ``second`` others on their own, and one more as the carry-in of the
    adder of both where there is one; without ``second`` up to three others join the number of the
    first; without ``first`` a few bits are counted at once.
    """

    places: int
    first: int = 0
    second: int = 0


@cache
def best_count(ones: int, functions: bool) -> Count:
    """The way to count so many bits that takes fewest places; ``functions``: whether carry chains
    add functions of bits.
    """
    at_once = {1: 0, 2: 2, 3: 2} | ({4: 3, 5: 3} if functions else {})
    if ones in at_once:
        return Count(at_once[ones])
    options = []
    for first in range(ones - 2, (ones - 1) // 2 - 1, -1):
        cost = best_count(first, functions).places + first.bit_length() + 1
        if ones - first <= (JOINING if functions else JOINING - 1):
            options.append(Count(cost, first))
        for second in (ones - first, ones - first - 1):
            if 0 < second <= first:
                more = best_count(second, functions).places
                options.append(Count(cost + more, first, second))
    return min(options, key=lambda count: count.places)


def count(graph: Graph, bits: list[Number], feasible: Feasible | None) -> Number:
    """How many of the bits, numbers of one shift each of one bit, are set, with their offsets."""
    way = best_count(len(bits), feasible is not None)
    if way.first:
        one = count(graph, bits[: way.first], feasible)
        if not way.second:
            return joined(graph, one, bits[way.first :])
        other = count(graph, bits[way.first : way.first + way.second], feasible)
        left = bits[way.first + way.second :]
        return add(graph, one, other, left[0] if left else None)
    if len(bits) == 1:
        return bits[0]
    units = [bit.bits[0] for bit in bits]
    nets = None
    if len(bits) > 3 and feasible:
        nets = five_nets(graph, units, feasible)
    if nets is None and len(bits) > 3:
        one = count(graph, bits[:3], feasible)
        rest = bits[3:]
        return add(graph, one, rest[0], rest[1] if len(rest) > 1 else None)
    if nets is None:
        tables = (ODD, MAJORITY) if len(bits) == 3 else (XOR, AND)
        nets = graph.look_up(*(combine(table, *units) for table in tables))
    return counted(bits, tuple(wire(net) for net in nets))


def counted(bits: list[Number], out: Bits) -> Number:
    """The number of the bits that are set, of which ``out`` are the bits."""
    offset = sum(bit.offset for bit in bits)
    low, high = sum(bit.low for bit in bits), sum(bit.high for bit in bits)
    return Number(out, offset, low, high, bits[0].shift)


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


def add(graph: Graph, one: Number, other: Number, carry: Number | None) -> Number:
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


def at_shift(numbers: list[Number], shift: int) -> Number | None:
    """The smallest of the numbers with that shift, if there is any."""
    fitting = [number for number in numbers if number.shift == shift]
    return min(fitting, key=lambda number: number.top, default=None)


def padded(bits: Bits, length: int) -> Bits:
    """So many bits, with zeros at the end."""
    return (bits + (ZERO,) * length)[:length]


def narrowed(number: Number, low: int, high: int) -> Number:
    """The number with as few bits as the values ``low..high`` need, or one more: the others are
    left out, and where that needs it the highest one is turned over, which adds half the range.
    """
    shift = number.shift
    span = (high - low) >> shift
    for width in range(max(1, span.bit_length()), len(number.bits)):
        for turn in (False, True):
            offset = number.offset - ((turn << (width - 1)) << shift)
            period = 1 << (width + shift)
            offset += (low - offset) // period * period
            if high - offset < period:
                bits = number.bits[:width]
                bits = (*bits[:-1], bits[-1].inverted) if turn else bits
                return Number(bits, offset, low, high, shift)
    return replace(number, low=low, high=high)
