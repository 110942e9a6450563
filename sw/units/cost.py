"""What a unit is expected to cost on an FPGA with 4-input LUTs."""

from dataclasses import dataclass

__all__ = ["Cost"]


@dataclass(frozen=True)
class Cost:
    """Estimated LUT4s (two per carry cell, four per 16x4 LUT RAM), flip-flops and block RAMs."""

    lut4: int = 0
    flip_flops: int = 0
    block_rams: int = 0

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(
            self.lut4 + other.lut4,
            self.flip_flops + other.flip_flops,
            self.block_rams + other.block_rams,
        )
