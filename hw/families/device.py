"""One FPGA part: whose cells it has, and how many of them."""

from dataclasses import dataclass

from subbit.hw.contract.cost import Cost
from subbit.hw.contract.limits import SizeLimits

__all__ = ["FpgaDevice"]


@dataclass(frozen=True)
class FpgaDevice:
    """One FPGA part and what place-and-route can use of it.

    ``name``: the part's family and size, as in ``LFE5U-85F``; ``package`` and ``speed``: as nextpnr
    calls them, ``speed`` 0 where it knows but one. ``lut4``, ``flip_flops``, ``block_rams`` (18
    kbit each on ECP5, 4 kbit on iCE40) and ``dsps`` (multipliers) are the numbers that nextpnr
    reports as available. ``fabric``: the name of its family in subbit.hw.families.table.
    ``operand_bits``: of the two numbers that a multiplier takes, for the engine that uses
    multipliers; 0 where its family has no circuit for them.
    """

    name: str
    package: str
    speed: int
    lut4: int
    flip_flops: int
    block_rams: int
    dsps: int
    fabric: str
    operand_bits: int = 0

    @property
    def limits(self) -> SizeLimits:
        """From what size on engines and tables are large on the part."""
        return SizeLimits.of_part(
            lut4=self.lut4,
            block_rams=self.block_rams,
            operand_bits=self.operand_bits,
        )

    @property
    def cells(self) -> Cost:
        """All that the part has."""
        return Cost(self.lut4, self.flip_flops, self.block_rams, multipliers=self.dsps)
