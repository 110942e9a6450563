"""The boards that bitstreams can be built for. Reading this table needs no Amaranth and no tool."""

from difflib import get_close_matches

from subbit.boards import icebreaker, ulx3s
from subbit.boards.model import Board, Device
from subbit.sw.errors import BoardError

__all__ = ["ALIASES", "BOARDS", "DEVICES", "Board", "Device", "board", "board_names"]

BOARDS: dict[str, Board] = {board.name: board for board in (*ulx3s.BOARDS, *icebreaker.BOARDS)}
DEVICES: dict[str, Device] = {board.device.name: board.device for board in BOARDS.values()}
ALIASES = {"ulx3s": "ulx3s-85f"}


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
