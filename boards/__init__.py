"""The boards that bitstreams can be built for. Reading this table needs no Amaranth and no tool."""

from collections.abc import Iterable
from importlib import import_module

from subbit.boards.model import Board, FpgaDevice
from subbit.sw.errors import BoardError, quote
from subbit.sw.hints import near

__all__ = [
    "ALIASES",
    "BOARDS",
    "DEFAULT_BOARD",
    "DEVICES",
    "Board",
    "FpgaDevice",
    "board",
    "board_names",
    "boards_of",
]

MODULES = (
    "ulx3s",
    "icebreaker",
)


def boards_of(modules: Iterable[str]) -> dict[str, Board]:
    """The boards of modules in this folder, each of which names its own in ``BOARDS``, by name."""
    found = (import_module(f"{__name__}.{module}").BOARDS for module in modules)
    return {board.name: board for boards in found for board in boards}


BOARDS = boards_of(MODULES)
DEVICES: dict[str, FpgaDevice] = {board.device.name: board.device for board in BOARDS.values()}
ALIASES = {"ulx3s": "ulx3s-85f"}
DEFAULT_BOARD = "ulx3s"  # of all commands


def board(name: str) -> Board:
    """The board of that name; raises BoardError, naming what is spelt alike, if none is."""
    wanted = name.strip().lower()
    wanted = ALIASES.get(wanted, wanted)
    if wanted in BOARDS:
        return BOARDS[wanted]
    found, names = near(wanted, board_names()), ", ".join(board_names())
    if found is None:
        raise BoardError(f"unknown board {quote(name)}; the known ones are {names}")
    raise BoardError(f"unknown board {quote(name)}; the nearest known one is {found!r}, of {names}")


def board_names() -> list[str]:
    """Every name that ``board`` knows, short names first."""
    return [*ALIASES, *BOARDS]
