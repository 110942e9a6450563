"""From an Amaranth design and a board to RTLIL and pin constraints."""

from dataclasses import dataclass
from importlib import import_module
from typing import Any

from amaranth.hdl import Elaboratable

from subbit.boards import Board
from subbit.hw.pll import Clocks, best_settings

__all__ = ["TARGET_HZ", "BoardDesign", "board_clocks", "board_platform", "prepare"]

TARGET_HZ = 160_000_000
"""What place-and-route is driven to.

Out of reach of large designs on purpose: the timing-driven placer then works on the slowest paths
until the end."""


@dataclass(frozen=True)
class BoardDesign:
    """A design made for a board: its RTLIL and its constraints in Lattice's LPF format."""

    rtlil: str
    constraints: str


def board_platform(board: Board) -> Any:
    """A new amaranth-boards platform of that board."""
    module, _, name = board.platform.partition(":")
    return getattr(import_module(module), name)()


def board_clocks(board: Board, *, target_hz: float = TARGET_HZ) -> Clocks:
    """The component that makes the domains ``sync`` and ``link`` on that board."""
    settings = best_settings(board.oscillator_hz, target_hz)
    return Clocks(oscillator=board.oscillator, settings=settings)


def prepare(top: Elaboratable, board: Board, *, name: str = "top") -> BoardDesign:
    """Elaborate ``top`` for the board. The texts depend on nothing but the design.

    ``top`` has its clock domains from board_clocks and requests its pins from the platform.
    """
    platform = board_platform(board)
    files = platform.prepare(top, name, emit_src=False).files
    return BoardDesign(files[f"{name}.il"], files[f"{name}.lpf"])
