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
    "lut_rom_luts",
    "period",
    "rom_of",
    "style_of",
]

MEMORIES = ("auto", "block", "logic")
BLOCK_BITS = 18432  # of one block RAM
LARGE_TABLE_BITS = 65536  # of a table in block RAM that fills several
LARGE_TABLE_WIDTH = 256  # bits of a word in logic, from which its lookup tables are far apart
PART_BLOCKS, PART_BITS = 8, 1024  # in block RAM and in logic, of such a table that share an address
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
    def is_large(self) -> bool:
        """Whether the table fills several block RAMs; those of a wide and shallow one each stand
        beside their own adders.
        """
        return self.style == "block" and self.width * self.depth >= LARGE_TABLE_BITS

    @property
    def needs_parts(self) -> bool:
        """Whether the table takes so much of an FPGA that wires of one address to it are long."""
        return self.is_large or (self.style == "logic" and self.width > LARGE_TABLE_WIDTH)

    @property
    def lead_cycles(self) -> int:
        """Registers between a step and a table in parts: two, and one for block RAMs' addresses."""
        return (3 if self.style == "block" else 2) if self.needs_parts else 0

    @property
    def part_bits(self) -> int:
        """Bits of a word in each part, all of them where the table needs no parts."""
        if not self.needs_parts:
            return max(self.width, 1)
        if self.style == "logic":
            return ceil(self.width / ceil(self.width / PART_BITS))
        width, bank_words = block_shape(self.width, self.depth)
        return width * max(1, PART_BLOCKS // ceil(self.depth / bank_words))

    @property
    def registers(self) -> int:
        """Flip-flops, estimated, of a register behind the parts of a table."""
        if self.style != "logic":
            return self.width
        full, rest = divmod(self.width, self.part_bits)
        each = [self.part_bits] * full + [rest]
        return sum(distinct_columns(width, self.depth) for width in each)

    @property
    def parts(self) -> tuple["RomTable", ...]:
        """Tables side by side, that of the lowest bits first; or the table alone."""
        if self.width <= self.part_bits:
            return (self,)
        found = []
        for at in range(0, self.width, self.part_bits):
            width = min(self.part_bits, self.width - at)
            words = tuple(word >> at & (1 << width) - 1 for word in self.words)
            found.append(RomTable(words, width, self.style))
        return tuple(found)

    @property
    def cost(self) -> Cost:
        """Estimated cost with the counter of its address."""
        return table_cost(self.width, self.depth, self.style)

    @property
    def cost_in_parts(self) -> Cost:
        """Estimated cost where the table stands in parts, each with a counter of its address and
        that one's step and reset, and block RAMs have registers for their addresses.
        """
        if not self.needs_parts:
            return self.cost
        full, rest = divmod(self.width, self.part_bits)
        part = table_cost(self.part_bits, self.depth, self.style) + Cost(flip_flops=2)
        last = table_cost(rest, self.depth, self.style) + Cost(flip_flops=2)
        whole = sum([part] * full, last if rest else Cost())
        return whole + Cost(flip_flops=whole.block_rams * (self.depth - 1).bit_length())


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
