"""What a unit is expected to cost on an FPGA with 4-input LUTs."""

from dataclasses import dataclass, field, replace

__all__ = ["RESOURCES", "Cost"]

RESOURCES = ("lut4", "flip_flops", "block_rams")


@dataclass(frozen=True)
class Cost:
    """Estimated LUT4s (two per carry cell, four per 16x4 LUT RAM), flip-flops and block RAMs.

    They are those of an ECP5, with block RAMs of 18 kbit. ``small_rams``, ``store_lut4`` and
    ``store_flip_flops`` are what its memories take on a part with block RAMs of 4 kbit and without
    LUT RAM: that many small ones, and so many LUT4s and flip-flops more (or less). What an
    estimate is in a family's cells, ``cost`` of its object says (subbit.hw.families.family).
    """

    lut4: int = 0
    flip_flops: int = 0
    block_rams: int = 0
    small_rams: int = field(default=0, compare=False, repr=False)
    store_lut4: int = field(default=0, compare=False, repr=False)
    store_flip_flops: int = field(default=0, compare=False, repr=False)

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(
            self.lut4 + other.lut4,
            self.flip_flops + other.flip_flops,
            self.block_rams + other.block_rams,
            self.small_rams + other.small_rams,
            self.store_lut4 + other.store_lut4,
            self.store_flip_flops + other.store_flip_flops,
        )

    @property
    def counts(self) -> dict[str, int]:
        """The numbers of the three kinds of cells."""
        return {kind: getattr(self, kind) for kind in RESOURCES}

    @property
    def rams(self) -> "Cost":
        """The block RAMs alone."""
        return Cost(block_rams=self.block_rams, small_rams=self.small_rams)

    def with_cells(self, lut4: int, flip_flops: int) -> "Cost":
        """The same with other numbers of LUT4s and flip-flops."""
        return replace(self, lut4=lut4, flip_flops=flip_flops)
