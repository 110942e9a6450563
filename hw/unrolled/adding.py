"""Adding numbers up: counters of single bits, and adders in the order that takes fewest places."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

from subbit.hw.trees.assemble import Feasible, combine
from subbit.hw.unrolled.adders import (
    AND,
    JOINING,
    MAJORITY,
    ODD,
    XOR,
    add,
    add_three,
    five_nets,
    joined,
)
from subbit.hw.unrolled.numbers import Bits, Graph, Number, wire

__all__ = ["add_up", "narrowed"]

ALL_PARTS = 64  # bits up to which all ways to part them are tried


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
        size = 3 if feasible and len(waiting) % 2 else 2
        some = waiting[:size]
        fitting_bits = carries.get(max(number.shift for number in some), [])
        if size > 2 and feasible:
            found = add_three(graph, some, fitting_bits[:2], feasible)
            if found:
                del fitting_bits[:2]
                waiting[:size] = [found]
                continue
        carry = fitting_bits.pop(0) if fitting_bits else None
        waiting[:2] = [add(graph, some[0], some[1], carry)]
    [total] = waiting
    for bit in (bit for bits in carries.values() for bit in bits):
        total = add(graph, total, bit, None)
    return total


@dataclass(frozen=True)
class Count:
    """How bits are counted: in ``places`` of carry chains and lookup tables.

    ``parts`` are counted on their own; one adder adds these numbers, two or three, and the bits
    that are left. It adds a single number and up to three bits, too. Without parts a few bits are
    counted at once.
    """

    places: int
    parts: tuple[int, ...] = ()


@cache
def best_count(ones: int, functions: bool) -> Count:
    """The way to count so many bits that takes fewest places; ``functions``: whether carry chains
    add functions of bits.
    """
    at_once = {1: 0, 2: 2, 3: 2} | ({4: 3, 5: 3} if functions else {})
    if ones in at_once:
        return Count(at_once[ones])
    options = []
    for parts in splits(ones, functions):
        first, second = (*(part.bit_length() for part in parts), 0)[:2]
        length = first if len(parts) < 3 else min(max(first, second + 1), ones.bit_length())
        tables = second if len(parts) == 3 else 0
        below = sum(best_count(part, functions).places for part in parts)
        options.append(Count(below + tables + length + 1, parts))
    return min(options, key=lambda count: count.places)


def splits(ones: int, functions: bool) -> Iterator[tuple[int, ...]]:
    """The parts worth trying, largest first, each with few bits left: all of few bits, and of many
    halves, or thirds, of nearly the same size.
    """
    if ones > ALL_PARTS:
        yield ones // 2, (ones - 1) // 2
        if functions:
            third = (ones - 2) // 3
            yield third + (ones - 2) % 3, third, third
        return
    for first in range(ones - 2, 0, -1):
        if ones - first <= (JOINING if functions else JOINING - 1):
            yield (first,)
        for second in range(min(first, ones - first), 0, -1):
            left = ones - first - second
            if left <= 1:
                yield first, second
            elif functions:
                yield from ((first, second, left - n) for n in range(3) if 0 < left - n <= second)


def count(graph: Graph, bits: list[Number], feasible: Feasible | None) -> Number:
    """How many of the bits, numbers of one shift each of one bit, are set, with their offsets."""
    way = best_count(len(bits), feasible is not None)
    if way.parts:
        rest, numbers = list(bits), []
        for part in way.parts:
            numbers.append(count(graph, rest[:part], feasible))
            rest = rest[part:]
        return add_parts(graph, numbers, rest, feasible)
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


def add_parts(
    graph: Graph, numbers: list[Number], bits: list[Number], feasible: Feasible | None
) -> Number:
    """The sum of one to three numbers and of the few bits that their adder takes."""
    if len(numbers) == 1:
        return joined(graph, numbers[0], bits)
    if len(numbers) == 3 and feasible:
        found = add_three(graph, numbers, bits, feasible)
        if found:
            return found
        numbers, bits = [numbers[2], add(graph, *numbers[:2], *bits[:1])], bits[1:]
    return add(graph, *numbers, *bits[:1])


def at_shift(numbers: list[Number], shift: int) -> Number | None:
    """The smallest of the numbers with that shift, if there is any."""
    fitting = [number for number in numbers if number.shift == shift]
    return min(fitting, key=lambda number: number.top, default=None)


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
