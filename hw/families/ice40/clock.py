"""Setting the PLL of a routed iCE40UP5K design to the fastest clock that the design meets.

As subbit.hw.families.ecp5.clock does for ECP5: each bit of a divider is one bit of two
tiles in nextpnr's textual configuration that hold no routing of the design.
"""

from dataclasses import dataclass
from pathlib import Path

from subbit.hw.families.ice40.pll_rtl import Ice40Clocks, Ice40Settings, best_settings
from subbit.hw.families.pll import PllOf
from subbit.sw.errors import ToolError

__all__ = ["PLL_BITS", "Ice40Pll", "set_ice40_pll"]

# Tile, row and column of each bit, the lowest first, for the one PLL of the UP5K. Found by routing
# a design once for each bit; the tests compare with what nextpnr writes.
LOW, HIGH = ".io_tile 10 31", ".io_tile 11 31"
PLL_BITS = {
    "DIVR": ((LOW, 0, 2), (LOW, 0, 3), (LOW, 3, 3), (LOW, 2, 2)),
    "DIVF": (
        *((LOW, 2, 3), (LOW, 5, 3), (LOW, 4, 2), (LOW, 4, 3)),
        *((LOW, 7, 3), (HIGH, 0, 2), (HIGH, 0, 3)),
    ),
    "DIVQ": ((HIGH, 3, 3), (HIGH, 2, 2), (HIGH, 2, 3)),
    "FILTER_RANGE": ((HIGH, 5, 3), (HIGH, 4, 2), (HIGH, 4, 3)),
}


def set_ice40_pll(config: Path, settings: Ice40Settings, input_hz: int) -> None:
    """Rewrite the configuration with these settings for its one PLL. Raises ToolError."""
    lines = config.read_text().splitlines()
    if ".device 5k" not in lines or LOW not in lines or HIGH not in lines:
        raise ToolError(f"{config} is no configuration of an iCE40UP5K")
    for name, value in settings.parameters(input_hz).items():
        for place, (tile, row, column) in enumerate(PLL_BITS[name]):
            at = lines.index(tile) + 1 + row
            bit = str(value.value >> place & 1)
            lines[at] = lines[at][:column] + bit + lines[at][column + 1 :]
    config.write_text("\n".join(lines) + "\n")


@dataclass(frozen=True)
class Ice40Pll(PllOf[Ice40Settings]):
    """The SB_PLL40 of a board, fed with ``input_hz`` and set to ``settings``: its circuit, and the
    same settings written into a routed configuration.
    """

    @classmethod
    def highest(cls, input_hz: int, ceiling_hz: float) -> "Ice40Pll":
        """The one of the highest frequency up to ``ceiling_hz``; raises ValueError without any."""
        return cls(input_hz, best_settings(input_hz, ceiling_hz))

    def clocks(self, oscillator: str) -> Ice40Clocks:
        """The circuit that makes the clock domains of the platform's resource ``oscillator``."""
        return Ice40Clocks(
            oscillator=oscillator, oscillator_hz=self.input_hz, settings=self.settings
        )

    def write(self, config: Path) -> None:
        """Set the PLL of a routed configuration. Raises ToolError where it is of another part."""
        set_ice40_pll(config, self.settings, self.input_hz)
