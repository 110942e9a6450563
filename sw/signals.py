"""Requests to end the process, held back for the moment in which they would leave half of a thing.

Ctrl-C, SIGTERM and the SIGHUP of a terminal that closes all end a command in the same way: as a
KeyboardInterrupt, so that what runs for it is ended too.
"""

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from types import FrameType

__all__ = ["ENDING", "deferred", "interrupt_on_signals"]

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def interrupt_on_signals() -> None:
    """Let SIGTERM and SIGHUP do what Ctrl-C does; one that is ignored, as by nohup, stays so."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, interrupt)


def interrupt(number: int, frame: FrameType | None) -> None:
    """End what runs, as Ctrl-C does."""
    raise KeyboardInterrupt


@contextlib.contextmanager
def deferred() -> Iterator[None]:
    """Hold the signals of ENDING back until the context ends; then they do what they always do.

    Blocking them would not help: a process with threads is given them in another one, and Python
    runs the handler in the main thread all the same. Elsewhere than in the main thread, to which
    Python gives no signals, nothing is done.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    arrived: list[int] = []
    # A handler of None was set by no Python code and cannot be set again.
    before = {number: signal.getsignal(number) for number in ENDING}
    held = {number: handler for number, handler in before.items() if handler is not None}
    try:
        for number in held:
            signal.signal(number, lambda number, frame: arrived.append(number))
        yield
    finally:
        for number, handler in held.items():
            signal.signal(number, handler)
        if arrived:
            os.kill(os.getpid(), arrived[0])
