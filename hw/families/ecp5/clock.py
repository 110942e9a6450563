"""Setting the PLL of a routed design to the fastest clock that the design meets.

The frequency that a design reaches is known only once it is routed. The PLL's dividers are plain
words in nextpnr's textual configuration and touch no routing, so they are set there, and the design
need not be routed a second time.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from subbit.hw.families.ecp5.pll_rtl import Clocks, PllSettings, best_settings
from subbit.hw.families.pll import PllOf
from subbit.sw.errors import ToolError

__all__ = ["Ecp5Pll", "pll_words", "set_pll"]

WORD_BITS = 7


def pll_words(settings: PllSettings) -> dict[str, str]:
    """The configuration words of the settings: dividers are stored less one, phases as they are."""
    return {
        name: format(value - (1 if name.endswith("_DIV") else 0), f"0{WORD_BITS}b")
        for name, value in settings.parameters().items()
    }


def set_pll(config: Path, settings: PllSettings) -> None:
    """Rewrite the configuration with these settings for its one PLL. Raises ToolError."""
    text = config.read_text()
    for name, bits in pll_words(settings).items():
        text, count = re.subn(
            rf"(?m)^word: {name} [01]{{{WORD_BITS}}}$", f"word: {name} {bits}", text
        )
        if count != 1:
            raise ToolError(f"{config} has {count} words {name}; there should be one PLL in it")
    config.write_text(text)


@dataclass(frozen=True)
class Ecp5Pll(PllOf[PllSettings]):
    """The EHXPLLL of a board, fed with ``input_hz`` and set to ``settings``: its circuit, and the
    same settings written into a routed configuration.
    """

    @classmethod
    def highest(cls, input_hz: int, ceiling_hz: float) -> "Ecp5Pll":
        """The one of the highest frequency up to ``ceiling_hz``; raises ValueError without any."""
        return cls(input_hz, best_settings(input_hz, ceiling_hz))

    def clocks(self, oscillator: str) -> Clocks:
        """The circuit that makes the clock domains of the platform's resource ``oscillator``."""
        return Clocks(oscillator=oscillator, settings=self.settings)

    def write(self, config: Path) -> None:
        """Set the PLL of a routed configuration. Raises ToolError where it does not hold one."""
        set_pll(config, self.settings)
