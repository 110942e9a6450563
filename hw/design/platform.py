"""From an Amaranth design and a board to RTLIL and pin constraints."""

from dataclasses import dataclass
from importlib import import_module
from typing import Any

from amaranth.build.res import ResourceError
from amaranth.hdl import Elaboratable

from subbit.boards import Board
from subbit.hw.design.elaboration import without_collector
from subbit.hw.families.pll import BoardClocks, BoardPll
from subbit.sw.errors import BoardError

__all__ = [
    "BoardDesign",
    "board_clocks",
    "board_platform",
    "board_pll",
    "prepare",
    "target_hz",
]

SERIAL_LINES = ("rx", "tx")


@dataclass(frozen=True)
class BoardDesign:
    """A design made for a board: its ``rtlil``, the text that Yosys reads, and its ``constraints``
    in the format of the board's nextpnr (LPF, PCF).
    """

    rtlil: str
    constraints: str


def board_platform(board: Board) -> Any:
    """A new amaranth-boards platform of that board, with what every design requests from it.

    Raises BoardError for a platform without the board's oscillator, serial port or LEDs.
    """
    module, _, name = board.platform.partition(":")
    platform = getattr(import_module(module), name)()
    check_resources(board, platform)
    return platform


def check_resources(board: Board, platform: Any) -> None:
    """Raise BoardError where the platform does not have what the board says."""
    clock = resource(board, platform, board.oscillator, 0, "oscillator").clock
    if clock is None or clock.frequency != board.oscillator_hz:
        runs = f"runs at {clock.frequency:,.0f} Hz" if clock else "has no frequency"
        raise BoardError(
            f"{board.name}: the resource {board.oscillator!r} of its platform {runs}, but the "
            f"board says {board.oscillator_hz:,} Hz; correct boards/, or give the right clock"
        )
    port = resource(board, platform, board.uart, 0, "serial port")
    lines = [getattr(line, "name", "") for line in port.ios]
    for line in SERIAL_LINES:
        if line not in lines:
            raise BoardError(
                f"{board.name}: the resource {board.uart!r} of its platform has no line {line!r}; "
                f"a serial port has {' and '.join(SERIAL_LINES)}"
            )
    for number in range(board.leds):
        resource(board, platform, "led", number, f"LED {number} of {board.leds}")


def resource(board: Board, platform: Any, name: str, number: int, purpose: str) -> Any:
    """A resource of the board's platform. Raises BoardError where it has none."""
    try:
        return platform.lookup(name, number)
    except ResourceError:
        raise BoardError(
            f"{board.name}: its platform {board.platform} has no resource {name!r} {number}, the "
            f"{purpose}; name another one in boards/, or add it to the platform"
        ) from None


def board_pll(board: Board, ceiling_hz: float | None = None) -> BoardPll:
    """The board's PLL at the highest frequency up to ``ceiling_hz``, by default the one that
    place-and-route is driven to.

    Raises ValueError where the PLL cannot go that low, FamilyError where its family has no PLL.
    """
    return board.family.pll(board.oscillator_hz, ceiling_hz or board.family.target_hz)


def target_hz(board: Board, mhz: float | None = None) -> float:
    """What the domain ``sync`` is built for, in Hz: the highest clock up to ``mhz``, by default up
    to what is usual for the board's family.

    Raises BoardError where the PLL cannot go that low.
    """
    try:
        return float(board_pll(board, None if mhz is None else 1e6 * mhz).output_hz)
    except ValueError as error:
        raise BoardError(f"{board.name} has no clock to build for: {error}") from None


def board_clocks(board: Board, *, target_hz: float | None = None) -> BoardClocks:
    """The component that makes the domains ``sync`` and ``link`` on that board."""
    return board_pll(board, target_hz).clocks(board.oscillator)


def prepare(top: Elaboratable, board: Board, *, name: str = "top") -> BoardDesign:
    """Elaborate ``top`` for the board. The texts depend on nothing but the design.

    ``top`` has its clock domains from board_clocks and requests its pins from the platform. Raises
    BoardError.
    """
    platform = board_platform(board)
    with without_collector():
        files = platform.prepare(top, name, emit_src=False).files
    return BoardDesign(files[f"{name}.il"], files[f"{name}.{board.family.constraints}"])
