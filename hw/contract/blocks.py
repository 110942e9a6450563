"""What the building blocks of circuits take: registers, adders, comparators, choices, counters.

The numbers are those of single blocks, mapped with Yosys 0.70 as the flow maps designs; an iCE40's
LUT4s are logic cells, of one lookup table and one register each.
"""

from collections.abc import Iterable, Sequence
from math import ceil

import numpy as np
from numpy.typing import NDArray

from subbit.hw.contract.cost import Cost

__all__ = [
    "CHAINED",
    "adder_cost",
    "choice_cost",
    "choice_luts",
    "comparator_cost",
    "counter_cost",
    "first_of",
    "lut_rom_luts",
    "luts",
    "product_cost",
    "registers",
    "steps_cost",
]

Flags = NDArray[np.bool_]
CHAINED = 5  # bits from which sums and counters are carry chains on an ECP5
# Cells of an iCE40 for each pair of bits that is multiplied: by any number, one of two, a constant.
PRODUCT, PRODUCT_OF_TWO, PRODUCT_OF_ONE = 1.7, 0.65, 0.17
OPERAND_BITS = 18  # of an ECP5's multiplier
CHOICE = 0.85  # LUT4s of a choice among n signals, for each of n - 1, by ABC


def luts(ecp5: int, ice40: int | None = None) -> Cost:
    """Lookup tables, whose outputs may go to a register each."""
    return Cost(lut4=ecp5, more_lut4=0 if ice40 is None else ice40 - ecp5)


def registers(bits: int) -> Cost:
    """Flip-flops in front of which no lookup table stands: on an iCE40 a logic cell each."""
    return Cost(flip_flops=bits, more_lut4=bits)


def adder_cost(bits: int) -> Cost:
    """A sum of two numbers with a result of ``bits`` bits."""
    chain = 2 * ceil(bits / 2) if bits >= CHAINED else bits + (bits == CHAINED - 1)
    return luts(chain, bits)


def comparator_cost(bits: int, complements: int | None = None) -> Cost:
    """Whether one number of ``bits`` bits reaches another. On an iCE40 a carry chain whose sums are
    not used takes a cell for each bit, and so does each of the ``complements`` that it adds, by
    default those of all bits.
    """
    inverters = bits if complements is None else complements
    return luts(bits, bits + 1 + inverters) if bits > 2 else luts(1)


def choice_luts(ways: int) -> int:
    """LUT4s that choose one bit of ``ways``."""
    return ceil(CHOICE * (ways - 1))


def choice_cost(ways: int, bits: int) -> Cost:
    """The same of ``bits`` bits."""
    return luts(choice_luts(ways) * bits)


def counter_cost(length: int, tables: Iterable[Sequence[bool] | Flags] = ()) -> Cost:
    """A Counter of that length with those tables. Flags that are equal, or complements of each
    other or of the lowest bit of the count, are one flip-flop after synthesis.
    """
    if length == 1:
        return Cost()
    flags = distinct_flags(length, tables)
    bits = (length - 1).bit_length()
    plain = 2 * bits + 3 if bits >= CHAINED else bits + 1 + bits // 4
    flag = (bits + 1) // 2
    logic = luts(plain + flag * flags, bits + 2 + bits // 5 + (flag + 1) * flags)
    return logic + Cost(flip_flops=bits + 1 + flags)


def first_of(length: int) -> list[bool]:
    """The table of a Counter that is true of the first of so many steps."""
    return [k == 0 for k in range(length)]


def distinct_flags(length: int, tables: Iterable[Sequence[bool] | Flags]) -> int:
    """How many flags a counter keeps beside its count and whether that is the last."""
    places = np.arange(length)
    known = [np.zeros(length, np.bool_), places % 2 == 1, places == length - 1]
    seen = {(row ^ row[0]).tobytes() for row in known}
    rows = [np.asarray(table, np.bool_) for table in tables]
    return len({(row ^ row[0]).tobytes() for row in rows} - seen)


def product_cost(x_bits: int, factor_bits: int, factors: int) -> Cost:
    """A product with one of ``factors`` constants: multipliers of an ECP5, cells of an iCE40."""
    share = {1: PRODUCT_OF_ONE, 2: PRODUCT_OF_TWO}.get(factors, PRODUCT)
    parts = ceil(x_bits / OPERAND_BITS) * ceil(factor_bits / OPERAND_BITS)
    return luts(0, round(share * x_bits * factor_bits)) + Cost(few_multipliers=parts)


def steps_cost(length: int) -> Cost:
    """What counts steps from 0 to ``length - 1`` and round again."""
    bits = (length - 1).bit_length()
    even = length & (length - 1) == 0
    chain = 2 * ceil(bits / 2) + 1 if even else 2 * bits
    return luts(chain if bits >= CHAINED else bits, bits + 2 - even) + Cost(flip_flops=bits)


def lut_rom_luts(depth: int) -> int:
    """4-input lookup tables for one bit of a table of ``depth`` words, as measured."""
    tables = -(-depth // 16)
    return tables * 9 // 4 if tables > 1 else int(depth > 1)
