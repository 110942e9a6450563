"""What a family's PLL is to the flow: a circuit of clocks, and words of a routed configuration."""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from amaranth.hdl import ClockDomain, Module

__all__ = ["BoardClocks", "BoardPll", "Dividers", "PllOf", "within"]


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


class Dividers(Protocol):
    """The dividers of a family's PLL: whole numbers by which its clock is made of the oscillator's.

    A dataclass of them is what the search for a frequency chooses, and what the configuration gets.
    """

    def output_hz(self, input_hz: int) -> Fraction:
        """The frequency that they make of the one that comes in."""
        ...


Settings = TypeVar("Settings", bound=Dividers)


@dataclass(frozen=True)
class PllOf(Generic[Settings]):
    """What the BoardPlls of all families share: a PLL fed with ``input_hz`` and set to
    ``settings``.
    """

    input_hz: int
    settings: Settings

    @property
    def output_hz(self) -> Fraction:
        """The frequency of the domain ``sync``."""
        return self.settings.output_hz(self.input_hz)


def within(found: Iterable[Settings], input_hz: int, ceiling_hz: float) -> list[Settings]:
    """Those of the settings whose frequency is at most ``ceiling_hz``; raises ValueError where the
    PLL cannot go that low.
    """
    fitting = [settings for settings in found if settings.output_hz(input_hz) <= ceiling_hz]
    if not fitting:
        raise ValueError(f"the PLL makes no clock of at most {ceiling_hz / 1e6:.2f} MHz")
    return fitting
