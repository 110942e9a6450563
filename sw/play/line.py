"""The virtual board on a pseudo-terminal: to programs a serial port, as faulty as one wants."""

import os
import pty
import random
import select
import threading
import time
import tty
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from subbit.hw.link.protocol import LinkInfo
from subbit.sw.golden import evaluate
from subbit.sw.host.loopback import BoardModel, Faults, NoisyLine
from subbit.sw.ir import Network
from subbit.sw.ir.layers.argmax import Argmax

__all__ = ["LineFaults", "VirtualLine", "board_model"]

READ_BYTES = 4096
WAIT_S = 0.05
STALL_S = (0.05, 0.5)  # the shortest and the longest


@dataclass(frozen=True)
class LineFaults:
    """What goes wrong: ``line``, chances for each byte; ``stall``: the chance that the board says
    nothing for a while, and ``reset`` that it starts anew and forgets what had come, both for each
    piece of up to READ_BYTES that it receives.
    """

    line: Faults = field(default_factory=Faults)
    stall: float = 0.0
    reset: float = 0.0


def board_model(network: Network, clock_hz: float) -> BoardModel:
    """A board that holds the network: the golden model behind the host protocol."""

    last = network.nodes[-1]
    has_class = isinstance(last.layer, Argmax) and network.output_type.elements == 1
    name = last.inputs[0] if has_class else last.name

    def classify(codes: NDArray[np.uint8]) -> NDArray[Any]:
        found: NDArray[Any] = evaluate(network, codes[None])[name].numpy().ravel()
        return found

    return BoardModel(LinkInfo.from_network(network, clock_hz=round(clock_hz)), classify)


class VirtualLine:
    """Serves ``network`` at ``path``, a pseudo-terminal, while the context lasts.

    Programs open the path as a serial port; what nobody reads is lost, as on a real line.
    ``stalls`` and ``resets`` count those that there were.
    """

    def __init__(self, network: Network, clock_hz: float, faults: LineFaults | None = None) -> None:
        self._network, self._clock_hz = network, clock_hz
        self._faults = faults or LineFaults()
        self._chance = random.Random(self._faults.line.seed)
        self._there, self._back = (NoisyLine(self._faults.line, way) for way in (0, 1))
        self._end = threading.Event()
        self._board = board_model(network, clock_hz)
        self.stalls = self.resets = 0

    def __enter__(self) -> Self:
        # The host's end stays open here too, so that programs may come and go.
        self._ours, self._theirs = pty.openpty()
        tty.setraw(self._theirs)
        os.set_blocking(self._ours, False)
        self.path = os.ttyname(self._theirs)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end.set()
        self._thread.join()
        os.close(self._ours)
        os.close(self._theirs)

    def _serve(self) -> None:
        while not self._end.is_set():
            if select.select([self._ours], [], [], WAIT_S)[0]:
                self._send(self._answer(os.read(self._ours, READ_BYTES)))

    def _answer(self, received: bytes) -> bytes:
        """What the board sends for bytes from the host, faults included."""
        if self._chance.random() < self._faults.reset:
            self.resets += 1
            self._board = board_model(self._network, self._clock_hz)
            return b""
        if self._chance.random() < self._faults.stall:
            self.stalls += 1
            self._end.wait(self._chance.uniform(*STALL_S))
        answer = self._board.feed(self._there.carry(received))
        self._board.frames.clear()
        return self._back.carry(answer)

    def _send(self, content: bytes) -> None:
        """Write as the host reads; what it does not read for a second is lost."""
        deadline = time.monotonic() + 1
        while content and not self._end.is_set() and time.monotonic() < deadline:
            if select.select([], [self._ours], [], WAIT_S)[1]:
                content = content[os.write(self._ours, content) :]
