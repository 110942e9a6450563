"""One FPGA part: whose cells it has, and how many of them."""

from dataclasses import dataclass

__all__ = ["FpgaDevice"]


@dataclass(frozen=True)
class FpgaDevice:
    """One FPGA part and what place-and-route can use of it.

    ``name``: the part's family and size, as in ``LFE5U-85F``; ``package`` and ``speed``: as nextpnr
    calls them, ``speed`` 0 where it knows but one. ``lut4``, ``flip_flops``, ``block_rams`` (18
    kbit each on ECP5, 4 kbit on iCE40) and ``dsps`` (multipliers) are the numbers that nextpnr
    reports as available. ``fabric``: the name of its family in subbit.hw.families.table.
    """

    name: str
    package: str
    speed: int
    lut4: int
    flip_flops: int
    block_rams: int
    dsps: int
    fabric: str
