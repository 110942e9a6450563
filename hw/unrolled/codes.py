"""Comparing the sums of an adder network with constants, in lookup tables."""

from collections.abc import Callable, Sequence
from itertools import product

from subbit.hw.families.netlist import BitFunction
from subbit.hw.unrolled.numbers import Graph, Logic, Number, wire

__all__ = ["code_of", "reaches"]

PINS = 4
ONE, ZERO = BitFunction.constant(1), BitFunction.constant(0)


def reaches(graph: Graph, number: Number, least: int) -> BitFunction:
    """Whether the number is ``least`` or more: a lookup table for its four lowest bits, then one
    for what that says and each three bits above.
    """
    if least <= number.low:
        return ONE
    if least > number.high:
        return ZERO
    raw = -((number.offset - least) >> number.shift)
    alike = (raw & -raw).bit_length() - 1  # bits below the lowest one that is set say nothing
    bits, raw = list(number.bits[alike:]), raw >> alike
    sizes = [min(PINS, len(bits))]
    while sum(sizes) < len(bits):
        sizes.append(min(PINS - 1, len(bits) - sum(sizes)))
    nets = graph.new_nets(len(sizes), bits)
    units: list[BitFunction] = []
    for at, size in enumerate(sizes):
        below = [wire(nets[at - 1])] if at else []
        some, bits = bits[:size], bits[size:]
        units.append(function(ge(raw & ((1 << size) - 1), bool(below)), [*below, *some]))
        raw >>= size
    graph.operations.append(Logic(tuple(units), nets, nets[-1:]))
    return wire(nets[-1])


def ge(least: int, follows: bool) -> Callable[[Sequence[int]], int]:
    """Whether bits reach a number; with ``follows`` the first one says that for the bits below."""

    def value(bits: Sequence[int]) -> int:
        number = sum(bit << at for at, bit in enumerate(bits[follows:]))
        return int(number > least or (number == least and (not follows or bits[0])))

    return value


def function(value: Callable[[Sequence[int]], int], units: Sequence[BitFunction]) -> BitFunction:
    """A function of single bits, as one of their nets."""
    nets = tuple(dict.fromkeys(net for unit in units for net in unit.nets))
    table = 0
    for at, states in enumerate(product((0, 1), repeat=len(nets))):
        state = dict(zip(nets, states[::-1], strict=True))
        bits = [unit.value([state[net] for net in unit.nets]) for unit in units]
        table |= value(bits) << at
    return BitFunction(nets, table)


def code_of(graph: Graph, reached: Sequence[BitFunction], rising: bool) -> list[BitFunction]:
    """The bits of how many of the bits ``reached`` are set, the lowest first, where those that are
    set come first; the complements unless ``rising``.
    """
    bits = halved(graph, list(reached))
    return bits if rising else [bit.inverted for bit in bits]


def halved(graph: Graph, reached: list[BitFunction]) -> list[BitFunction]:
    """The number of ones of ones that all come before zeros."""
    middle = len(reached) // 2
    top = reached[middle]
    if not middle:
        return [top]
    above, below = halved(graph, reached[middle + 1 :]), halved(graph, reached[:middle])
    chosen = [
        function(lambda bits: bits[1] if bits[0] else bits[2], [top, high, low])
        for high, low in zip(above, below, strict=True)
    ]
    tables = [unit for unit in chosen if len(unit.nets) > 1]
    nets = iter(graph.look_up(*tables)) if tables else iter(())
    return [*(wire(next(nets)) if len(unit.nets) > 1 else unit for unit in chosen), top]
