"""The virtual board in one call."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from subbit import boards
from subbit.boards import Board
from subbit.sw.errors import SubbitError
from subbit.sw.ir import Network
from subbit.sw.play.line import LineFaults, VirtualLine
from subbit.sw.play.server import PlayServer
from subbit.sw.play.session import Session, Simulate

__all__ = ["VirtualBoard", "virtual_board"]


@dataclass(frozen=True)
class VirtualBoard:
    """Where it is: the ``url`` of its page, and the path of its pseudo-terminal, if it has one."""

    url: str
    pty: str | None


@contextlib.contextmanager
def virtual_board(
    network: Network,
    board: Board | None = None,
    *,
    plan: Path | None = None,
    data: Any = None,
    kind: str | None = None,
    host: str = "127.0.0.1",
    http: int = 0,
    simulate: Simulate | None = None,
    with_pty: bool = False,
    faults: LineFaults | None = None,
) -> Iterator[VirtualBoard]:
    """Serve a page on which ``network`` can be tried on ``board``, while the context lasts.

    ``plan``: its file, by default the default one; ``data`` and ``kind``: of test images, as in
    evaluate_dataset. ``host`` and ``http``: address and port of the page, 0 for a free one; with an
    address that other machines reach the URL has a token. ``simulate``: runs frames through the
    RTL, such as subbit.sim.trace.simulated_tensors. ``with_pty``: be at a pseudo-terminal, too,
    with ``faults``. Raises SubbitError where the address is taken, or the line cannot carry the
    network's frames.
    """
    target = board or boards.board(boards.DEFAULT_BOARD)
    session = Session(network, target, plan, data, kind, simulate)
    try:
        server = PlayServer(session, host, http)
    except OSError as error:
        raise SubbitError(
            f"cannot serve at {host}:{http} ({error.strerror}); name another --host or --http"
        ) from None
    with contextlib.ExitStack() as stack:
        stack.callback(server.server_close)
        path = None
        if with_pty:
            path = stack.enter_context(VirtualLine(network, target.oscillator_hz, faults)).path
        server.begin()
        stack.callback(server.shutdown)
        yield VirtualBoard(server.url, path)
