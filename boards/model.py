"""What the project knows about a board: device, clock, serial port, platform definition."""

from dataclasses import dataclass

from subbit.hw.contract.limits import SizeLimits

__all__ = ["Board", "Device"]


@dataclass(frozen=True)
class Device:
    """One FPGA part and what place-and-route can use of it.

    ``name``: the part's family and size, as in ``LFE5U-85F``; ``package`` and ``speed``: as nextpnr
    calls them, ``speed`` 0 where it knows but one. ``lut4``, ``flip_flops``, ``block_rams`` (18
    kbit each on ECP5, 4 kbit on iCE40) and ``dsps`` (multipliers) are the numbers that nextpnr
    reports as available. ``fabric``: whose cells it has, as subbit.hw.families.carry calls them.
    """

    name: str
    package: str
    speed: int
    lut4: int
    flip_flops: int
    block_rams: int
    dsps: int
    fabric: str = "ecp5"

    @property
    def limits(self) -> SizeLimits:
        """From what size on engines and tables are large on the part."""
        return SizeLimits.of_part(lut4=self.lut4, block_rams=self.block_rams)


@dataclass(frozen=True)
class Board:
    """One board that bitstreams can be built for.

    ``platform``: the amaranth-boards class with the pins, as ``module:name``. ``oscillator``: the
    platform's resource of the free-running clock of ``oscillator_hz``. ``uart_baud``: the fastest
    rate of the serial port. ``programmer``: the board's name in openFPGALoader. ``flash_only``:
    bitstreams go to the flash memory, from which the FPGA then starts, and nowhere else.
    """

    name: str
    title: str
    device: Device
    platform: str
    oscillator: str
    oscillator_hz: int
    uart_baud: int
    leds: int
    programmer: str
    flash_only: bool = False
