"""Read-only tables of words: where they live, and what they cost."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, expm1, isqrt

from subbit.hw.contract.blocks import lut_rom_luts, luts, steps_cost
from subbit.hw.contract.cost import Cost
from subbit.hw.contract.memory import block_rams, block_shape, small_rams
from subbit.sw.errors import PlanError

__all__ = [
    "BLOCK_BITS",
    "LUT_BITS",
    "MEMORIES",
    "SHALLOW",
    "RomTable",
    "distinct_columns",
    "period",
    "rom_of",
    "style_of",
    "table_cost",
]

MEMORIES = ("auto", "block", "logic")
BLOCK_BITS, LUT_BITS = 18432, 16  # of one block RAM, of one LUT4
# Of shallow tables on an ECP5, by bits of an address, the share of columns that take a LUT4: the
# others are made by enables and resets of their registers.
SHALLOW = {1: 0.1, 2: 0.2, 3: 0.75}
LUTS_PER_BLOCK = 100  # a table that takes more LUTs than that per block RAM saved goes to block RAM


@dataclass(frozen=True, eq=False)
class RomTable:
    """A table of ``words``, each ``width`` bits, read one cycle after its address.

    ``style``: ``const`` where all words are equal (wires, no address), ``logic`` (lookup tables) or
    ``block`` (block RAM). A table that takes much of a part (``needs_parts``) can stand in
    ``parts``, each with an address of its own; reading it then takes ``lead_cycles`` more.
    """

    words: tuple[int, ...]
    width: int
    style: str

    @property
    def depth(self) -> int:
        """Number of words."""
        return len(self.words)

    @property
    def cost(self) -> Cost:
        """Estimated cost with the counter of its address."""
        return self.words_cost + self.counter_cost

    @property
    def words_cost(self) -> Cost:
        """Estimated cost without that counter."""
        return table_cost(self.width, self.depth, self.style)

    @property
    def rough_luts(self) -> int:
        """LUT4s without regard to how shallow the table is, in block RAM those of a choice."""
        if self.style == "block":
            return self.words_cost.lut4
        return distinct_columns(self.width, self.depth) * lut_rom_luts(self.depth)

    @property
    def counter_cost(self) -> Cost:
        """What counts through the words, where they are not all equal."""
        return Cost() if self.style == "const" else steps_cost(self.depth)

    @property
    def output_register_cost(self) -> Cost:
        """The register behind a block RAM, where it is not one of the block RAM's own."""
        width = self.width if self.style == "block" else 0
        return Cost(more_lut4=width, more_flip_flops=width)


def table_cost(width: int, depth: int, style: str) -> Cost:
    """Estimated cost of a table of contents without structure."""
    if style == "const":
        return Cost()
    if style == "block":
        banks = ceil(depth / block_shape(width, depth)[1])
        choice = width * (banks - 1) // 2  # the rest of it fits into the XNORs' tables
        return Cost(
            lut4=choice,
            block_rams=block_rams(width, depth),
            small_rams=small_rams(width, depth),
        )
    distinct = distinct_columns(width, depth)
    tables = distinct * lut_rom_luts(depth)
    few = SHALLOW.get((depth - 1).bit_length(), 1.0)
    return luts(round(few * tables), tables) + Cost(flip_flops=distinct)


def distinct_columns(width: int, depth: int) -> int:
    """How many of ``width`` random columns differ, as expected; equal ones share their tables."""
    columns = 1 << min(depth, 30)
    return round(-columns * expm1(-width / columns))


def period(words: Sequence[object]) -> int:
    """The smallest divisor of the length after which the words repeat."""
    count = len(words)
    low = [length for length in range(1, isqrt(count) + 1) if count % length == 0]
    for length in sorted({*low, *(count // part for part in low)} - {count}):
        if words[length] == words[0] and words[length:] == words[:-length]:
            return length
    return count


def style_of(depth: int, width: int, memory: str = "auto", limit: int = LUTS_PER_BLOCK) -> str:
    """``logic`` or ``block`` for a table of that size; see rom_of."""
    if memory not in MEMORIES:
        raise PlanError(f"memory must be one of {', '.join(MEMORIES)}, not {memory!r}")
    if memory != "auto":
        return memory
    luts = width * lut_rom_luts(depth)
    return "logic" if luts <= limit * block_rams(width, depth) else "block"


def rom_of(
    words: Sequence[int], width: int, memory: str = "auto", limit: int = LUTS_PER_BLOCK
) -> RomTable:
    """A table in the memory asked for, or no table but wires where all words are equal.

    ``memory``: ``block``, ``logic``, or ``auto``, which takes up to ``limit`` lookup tables for
    each block RAM that they save. Raises PlanError for another name.
    """
    style = style_of(len(words), width, memory, limit)
    table = tuple(map(int, words))
    if not width or len(set(table)) == 1:
        return RomTable(table[:1], width, "const")
    return RomTable(table, width, style)
