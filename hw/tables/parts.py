"""Tables so large that their address has a long way to them: cut into parts side by side."""

from dataclasses import dataclass
from math import ceil

from subbit.hw.contract.blocks import registers
from subbit.hw.contract.cost import Cost
from subbit.hw.contract.limits import MEASURED, SizeLimits
from subbit.hw.contract.memory import block_shape
from subbit.hw.tables.rom import RomTable, distinct_columns, table_cost

__all__ = ["TableParts"]


@dataclass(frozen=True, eq=False)
class TableParts:
    """The parts of ``table`` on a part with those ``limits``.

    A large table in block RAM and a wide one in lookup tables are cut into tables of some bits of
    each word. Each has a counter of its own for its address, with registers of its own for the
    counter's step and reset, and each block RAM a register for the address.
    """

    table: RomTable
    limits: SizeLimits = MEASURED

    @property
    def is_large(self) -> bool:
        """Whether the table fills several block RAMs; those of a wide and shallow one each stand
        beside their own adders.
        """
        bits = self.table.width * self.table.depth
        return self.table.style == "block" and bits >= self.limits.large_table_bits

    @property
    def needs_parts(self) -> bool:
        """Whether the table takes so much of a part that its address has a long way to it."""
        wide = self.table.width > self.limits.wide_table_bits
        return self.is_large or (self.table.style == "logic" and wide)

    @property
    def lead_cycles(self) -> int:
        """Registers between a step and the table: two for it, one for block RAMs' addresses."""
        return (3 if self.table.style == "block" else 2) if self.needs_parts else 0

    @property
    def part_bits(self) -> int:
        """Bits of a word in each part; all of them where the table stands as one."""
        table, limits = self.table, self.limits
        if not self.needs_parts:
            return max(table.width, 1)
        if table.style == "logic":
            return ceil(table.width / ceil(table.width / limits.part_bits))
        width, bank_words = block_shape(table.width, table.depth)
        return width * max(1, limits.part_block_rams // ceil(table.depth / bank_words))

    @property
    def registers(self) -> int:
        """Flip-flops, estimated, of a register behind the parts."""
        table = self.table
        if table.style == "const":
            return 0
        if table.style != "logic":
            return table.width
        full, rest = divmod(table.width, self.part_bits)
        each = [self.part_bits] * full + [rest]
        return sum(distinct_columns(width, table.depth) for width in each)

    @property
    def tables(self) -> tuple[RomTable, ...]:
        """The parts, that of the lowest bits first; the table itself alone where it is as one."""
        table = self.table
        if table.width <= self.part_bits:
            return (table,)
        found = []
        for at in range(0, table.width, self.part_bits):
            width = min(self.part_bits, table.width - at)
            words = tuple(word >> at & (1 << width) - 1 for word in table.words)
            found.append(RomTable(words, width, table.style))
        return tuple(found)

    @property
    def cost(self) -> Cost:
        """Estimated cost of the parts with their counters, steps, resets and addresses."""
        table = self.table
        if not self.needs_parts:
            return table.cost
        full, rest = divmod(table.width, self.part_bits)
        each = table.counter_cost + registers(2)
        part = table_cost(self.part_bits, table.depth, table.style) + each
        last = table_cost(rest, table.depth, table.style) + each
        whole = sum([part] * full, last if rest else Cost())
        return whole + registers(whole.block_rams * (table.depth - 1).bit_length())
