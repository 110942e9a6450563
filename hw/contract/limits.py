"""From what size on engines and tables lie so far apart on a part that they need registers between
them.
"""

from dataclasses import dataclass

__all__ = ["MEASURED", "SizeLimits"]


LUT4, BLOCK_RAMS = 83_640, 208  # of the LFE5U-85F, on which the limits were measured


@dataclass(frozen=True)
class SizeLimits:
    """What counts as large on a part. The defaults are those of an LFE5U-85F, where they were
    measured: they are the sizes from which wires between the parts of an engine bound its clock.

    ``large_engine_xnors``: XNORs a cycle from which a direct engine is large: its weights, its
    counters and its thresholds then have registers more between them. ``xnors_per_input_copy``:
    XNORs a cycle, of a large engine, that read the inputs from the same registers.
    ``large_engine_mhz``: the clock that a large engine's counters are planned for, as its long
    wires allow no more. ``large_table_bits``: bits of a table in block RAM from which the engine
    that reads it is large, whatever its XNORs. ``wide_table_bits``: bits of a word of a table in
    lookup tables, beyond which the table lies scattered. ``part_block_rams``, ``part_bits``: block
    RAMs, and bits of a word in lookup tables, of such tables that share a counter of addresses.
    ``operand_bits``: of the operands that the part's multipliers take, signed; 0 where the family
    makes none.
    """

    large_engine_xnors: int = 3072
    xnors_per_input_copy: int = 1200
    large_engine_mhz: float = 120.0
    large_table_bits: int = 65536
    wide_table_bits: int = 256
    part_block_rams: int = 8
    part_bits: int = 1024
    operand_bits: int = 18

    @classmethod
    def of_part(cls, *, lut4: int, block_rams: int, operand_bits: int = 18) -> "SizeLimits":
        """The limits of a part of that size.

        An engine is large where it covers as great a share of the part as on the LFE5U-85F (3.7 %
        of its LUT4s in XNORs) and is as long in absolute terms as there. On a smaller part the
        length decides, since wires are as long for the same engine, and registers that no wire
        needs cost clock: an engine of 1,440 XNORs, 5.9 % of an LFE5U-25F, reaches 205 MHz on that,
        and 152 MHz as a large one, whose counters are planned for less. The same goes for tables
        (1.7 % of the block RAMs, and 65,536 bits). The other limits are about wires with many
        readers, and are the same on all parts.
        """
        usual = cls()
        xnors, bits = usual.large_engine_xnors, usual.large_table_bits
        return cls(
            large_engine_xnors=max(xnors, xnors * lut4 // LUT4),
            large_table_bits=max(bits, bits * block_rams // BLOCK_RAMS),
            operand_bits=operand_bits,
        )


MEASURED = SizeLimits()
