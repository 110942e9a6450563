"""Read-only tables of words: where they live, and what they cost."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, expm1, isqrt

from subbit.hw.contract.cost import Cost
from subbit.hw.contract.memory import block_rams, block_shape, small_rams
from subbit.sw.errors import PlanError

__all__ = [
    "BLOCK_BITS",
    "MEMORIES",
    "RomTable",
    "distinct_columns",
    "lut_rom_luts",
    "period",
    "rom_of",
    "style_of",
    "table_cost",
]

MEMORIES = ("auto", "block", "logic")
BLOCK_BITS = 18432  # of one block RAM
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
        return table_cost(self.width, self.depth, self.style)


def table_cost(width: int, depth: int, style: str) -> Cost:
    """Estimated cost of a table of contents without structure, with the counter of its address."""
    if style == "const":
        return Cost()
    bits = (depth - 1).bit_length()
    counter = Cost(lut4=2 * bits + 1, flip_flops=bits)
    if style == "block":
        banks = ceil(depth / block_shape(width, depth)[1])
        choice = width * (banks - 1) // 2  # the rest of it fits into the XNORs' tables
        return counter + Cost(
            lut4=choice,
            block_rams=block_rams(width, depth),
            small_rams=small_rams(width, depth),
        )
    distinct = distinct_columns(width, depth)
    return counter + Cost(distinct * lut_rom_luts(depth), distinct)


def distinct_columns(width: int, depth: int) -> int:
    """How many of ``width`` random columns differ, as expected; equal ones share their tables."""
    columns = 1 << min(depth, 30)
    return round(-columns * expm1(-width / columns))


def lut_rom_luts(depth: int) -> int:
    """4-input lookup tables for one bit of a table of ``depth`` words, as measured."""
    tables = -(-depth // 16)
    return tables * 9 // 4 if tables > 1 else int(depth > 1)


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
