"""From an Amaranth design and a board to RTLIL and pin constraints."""

from dataclasses import dataclass
from importlib import import_module
from typing import Any

from amaranth.hdl import Elaboratable

from subbit.boards import Board
from subbit.hw.families.ecp5 import pll_rtl as pll
from subbit.hw.families.ice40 import pll_rtl as pll_ice40

__all__ = [
    "TARGET_HZ",
    "BoardDesign",
    "board_clocks",
    "board_platform",
    "pll_settings",
    "prepare",
    "target_hz",
]

TARGET_HZ = {"ecp5": 160_000_000, "ice40": 60_000_000}
"""What place-and-route is driven to, by fabric.

Out of reach of large designs on purpose: the timing-driven placer then works on the slowest paths
until the end."""
CONSTRAINTS = {"ecp5": "lpf", "ice40": "pcf"}


@dataclass(frozen=True)
class BoardDesign:
    """A design made for a board: its ``rtlil``, the text that Yosys reads, and its ``constraints``
    in the format of the board's nextpnr (LPF, PCF).
    """

    rtlil: str
    constraints: str


def board_platform(board: Board) -> Any:
    """A new amaranth-boards platform of that board."""
    module, _, name = board.platform.partition(":")
    return getattr(import_module(module), name)()


def pll_settings(board: Board, ceiling_hz: float) -> pll.PllSettings | pll_ice40.Ice40Settings:
    """The settings of the board's PLL for the highest frequency that is at most ``ceiling_hz``.

    Raises ValueError where the PLL cannot go that low.
    """
    found = pll_ice40.best_settings if board.device.fabric == "ice40" else pll.best_settings
    return found(board.oscillator_hz, ceiling_hz)


def target_hz(board: Board) -> float:
    """What the domain ``sync`` is built for unless told otherwise, in Hz."""
    settings = pll_settings(board, TARGET_HZ[board.device.fabric])
    return float(settings.output_hz(board.oscillator_hz))


def board_clocks(
    board: Board, *, target_hz: float | None = None
) -> pll.Clocks | pll_ice40.Ice40Clocks:
    """The component that makes the domains ``sync`` and ``link`` on that board."""
    settings = pll_settings(board, target_hz or TARGET_HZ[board.device.fabric])
    if isinstance(settings, pll.PllSettings):
        return pll.Clocks(oscillator=board.oscillator, settings=settings)
    return pll_ice40.Ice40Clocks(
        oscillator=board.oscillator, oscillator_hz=board.oscillator_hz, settings=settings
    )


def prepare(top: Elaboratable, board: Board, *, name: str = "top") -> BoardDesign:
    """Elaborate ``top`` for the board. The texts depend on nothing but the design.

    ``top`` has its clock domains from board_clocks and requests its pins from the platform.
    """
    platform = board_platform(board)
    files = platform.prepare(top, name, emit_src=False).files
    constraints = files[f"{name}.{CONSTRAINTS[board.device.fabric]}"]
    return BoardDesign(files[f"{name}.il"], constraints)
