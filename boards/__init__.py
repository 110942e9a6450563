"""The boards that bitstreams can be built for. Reading this table needs no Amaranth and no tool."""

from collections.abc import Iterable
from difflib import get_close_matches
from importlib import import_module

from subbit.boards.model import Board, FpgaDevice
from subbit.sw.errors import BoardError

__all__ = [
    "ALIASES",
    "BOARDS",
    "DEFAULT_BOARD",
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
ALIASES = {"ulx3s": "ulx3s-85f"}
DEFAULT_BOARD = "ulx3s"  # of all commands


def board(name: str) -> Board:
    """The board of that name; raises BoardError, naming the nearest known board, if none is."""
    wanted = name.strip().lower()
    wanted = ALIASES.get(wanted, wanted)
    if wanted in BOARDS:
        return BOARDS[wanted]
    near = get_close_matches(wanted, board_names(), 1, 0.0)[0]
    raise BoardError(
        f"unknown board {name!r}; the nearest known one is {near!r}, of {', '.join(board_names())}"
    )


def board_names() -> list[str]:
    """Every name that ``board`` knows, short names first."""
    return [*ALIASES, *BOARDS]
