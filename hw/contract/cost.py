"""What a unit is expected to cost on an FPGA with 4-input LUTs."""

from dataclasses import dataclass, field, fields, replace

__all__ = ["RESOURCES", "Cost"]

RESOURCES = ("lut4", "flip_flops", "block_rams", "multipliers")


@dataclass(frozen=True)
class Cost:
    """Estimated LUT4s (two per carry cell, six per 16x4 LUT RAM with its write port, as nextpnr
    counts them), flip-flops, block RAMs and multipliers.

    They are those of an ECP5, with block RAMs of 18 kbit. An iCE40 has block RAMs of 4 kbit, no LUT
    RAM, a carry beside each LUT4, and registers that stand behind a LUT4 or take its place: there
    it is ``small_rams`` of those, and ``more_lut4`` and ``more_flip_flops`` (or less). Products of
    numbers are cells there, so that ``few_multipliers`` are multipliers on an ECP5 alone. What an
    estimate is in a family's cells, ``cost`` of its object says (subbit.hw.families.family).
    """

    lut4: int = 0
    flip_flops: int = 0
    block_rams: int = 0
    small_rams: int = field(default=0, compare=False, repr=False)
    more_lut4: int = field(default=0, compare=False, repr=False)
    more_flip_flops: int = field(default=0, compare=False, repr=False)
    multipliers: int = 0
    few_multipliers: int = field(default=0, compare=False, repr=False)

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(
            self.lut4 + other.lut4,
            self.flip_flops + other.flip_flops,
            self.block_rams + other.block_rams,
            self.small_rams + other.small_rams,
            self.more_lut4 + other.more_lut4,
            self.more_flip_flops + other.more_flip_flops,
            self.multipliers + other.multipliers,
            self.few_multipliers + other.few_multipliers,
        )

    def __sub__(self, other: "Cost") -> "Cost":
        return self + other * -1

    def __mul__(self, count: int) -> "Cost":
        return Cost(*(count * getattr(self, field.name) for field in fields(self)))

    @property
    def counts(self) -> dict[str, int]:
        """The numbers of the four kinds of cells."""
        return {kind: getattr(self, kind) for kind in RESOURCES}

    @property
    def rams(self) -> "Cost":
        """The block RAMs alone."""
        return Cost(block_rams=self.block_rams, small_rams=self.small_rams)

    def with_cells(self, lut4: int, flip_flops: int) -> "Cost":
        """The same with other numbers of LUT4s and flip-flops."""
        return replace(self, lut4=lut4, flip_flops=flip_flops)
