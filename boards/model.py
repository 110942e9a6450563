"""What the project knows about a board: device, clock, serial port, platform definition."""

from dataclasses import dataclass

from subbit.hw.families.device import FpgaDevice
from subbit.hw.families.family import Family
from subbit.hw.families.table import family

__all__ = ["Board", "FpgaDevice"]


@dataclass(frozen=True)
class Board:
    """One board that bitstreams can be built for.

    ``name``: of the command line, in lower case; ``title``: for people. ``platform``: the
    amaranth-boards class with the pins, as ``module:name``. ``oscillator``: the platform's resource
    of the free-running clock of ``oscillator_hz``; ``uart``: that of the serial port, with the
    lines ``rx`` and ``tx``, of up to ``uart_baud``. ``leds``: how many resources ``led`` there are;
    tests light them, and the accelerator does not. ``programmer``: the board's name in
    openFPGALoader. ``flash_only``: bitstreams go to the flash memory, from which the FPGA then
    starts, and nowhere else.
    """

    name: str
    title: str
    device: FpgaDevice
    platform: str
    oscillator: str
    oscillator_hz: int
    uart_baud: int
    leds: int
    programmer: str
    flash_only: bool = False
    uart: str = "uart"

    @property
    def family(self) -> Family:
        """The family of the device. Raises FamilyError where there is none of that name."""
        return family(self.device.fabric)
