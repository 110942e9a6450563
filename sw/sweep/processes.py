"""Points in processes of their own, so that one that dies takes no other with it."""

import contextlib
import multiprocessing
import threading
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from types import TracebackType
from typing import Any, Self

from subbit.sw.errors import SubbitError
from subbit.sw.signals import interrupt_on_signals
from subbit.sw.sweep.point import run_point
from subbit.sw.sweep.spec import Point

__all__ = ["TRIES", "Processes"]

TRIES = 3  # that a point gets whose process dies


class Processes:
    """Runs points, each in a process of its own, from as many threads as one likes; ``end`` ends
    all of them, and so does leaving the context.
    """

    def __init__(self) -> None:
        self._context = multiprocessing.get_context("spawn")
        self._lock = threading.Lock()
        self._running: set[BaseProcess] = set()
        self._ended = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()

    def run(self, point: Point, builds: str) -> dict[str, Any]:
        """The row of a point; raises SubbitError where its process fails or dies TRIES times."""
        for _ in range(TRIES):
            ours, theirs = self._context.Pipe(duplex=False)
            process = self._context.Process(target=work, args=(theirs, point, builds))
            self.begin(process)
            theirs.close()
            try:
                row, error = ours.recv()
            except EOFError:
                continue
            finally:
                process.join()
                ours.close()
                with self._lock:
                    self._running.discard(process)
            if error is not None:
                raise SubbitError(error)
            found: dict[str, Any] = row
            return found
        raise SubbitError(f"its process has died {TRIES} times")

    def begin(self, process: BaseProcess) -> None:
        """Start a process, unless all are to end."""
        with self._lock:
            if self._ended:
                raise SubbitError("the sweep has ended")
            process.start()
            self._running.add(process)

    def end(self) -> None:
        """End all processes, with the tools that they run; none can be started any more."""
        with self._lock:
            self._ended = True
            for process in self._running:
                process.terminate()


def work(out: Connection, point: Point, builds: str) -> None:
    """What a process does: send the row of a point and None, or None and the error."""
    interrupt_on_signals()
    row, error = None, None
    try:
        row = run_point(point, builds)
    except (SubbitError, OSError, MemoryError) as failure:
        error = " ".join(str(failure).split()) or type(failure).__name__
    except KeyboardInterrupt:
        error = "interrupted"
    with contextlib.suppress(OSError):  # the sweep may have been killed meanwhile
        out.send((row, error))
