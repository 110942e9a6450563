"""What a family's PLL is to the flow: a circuit of clocks, and words of a routed configuration."""

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from amaranth.hdl import ClockDomain, Module

__all__ = ["BoardClocks", "BoardPll"]


class BoardClocks(Protocol):
    """The component that makes the clock domains of a board.

    ``domains``: ``link`` on the oscillator and ``sync`` on the PLL, for the design that holds the
    component as a submodule to add to its own. Both are held in reset until the clocks are good.
    """

    domains: "list[ClockDomain]"

    def elaborate(self, platform: Any) -> "Module":
        """The circuit; it requests the oscillator's pin from the platform."""
        ...


class BoardPll(Protocol):
    """The PLL of a board, set to the highest frequency up to some bound."""

    @property
    def output_hz(self) -> Fraction:
        """The frequency of the domain ``sync``."""
        ...

    def clocks(self, oscillator: str) -> BoardClocks:
        """The circuit; ``oscillator`` names the platform's resource of the clock that comes in."""
        ...

    def write(self, config: Path) -> None:
        """Set the one PLL of a routed configuration, a file of nextpnr's, to these settings.

        The settings touch no routing, so a design need not be routed again. Raises ToolError where
        the file holds no such PLL.
        """
        ...
