"""Several runs of a tool at a time."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import TypeVar

__all__ = ["cores", "in_parallel"]

Item = TypeVar("Item")
Result = TypeVar("Result")
OnLine = Callable[[str], None]


class Stopped(Exception):
    """Another run has failed, or the user has had enough."""


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_parallel(
    items: Sequence[Item], run: Callable[[Item, OnLine], Result], jobs: int
) -> list[Result]:
    """``run(item, on_line)`` of all items in order, ``jobs`` of them at a time.

    ``run`` hands each line of its tool's output to ``on_line``, which ends it once another one has
    failed. Raises what the first one that failed raised.
    """
    stop = Event()

    def on_line(line: str) -> None:
        if stop.is_set():
            raise Stopped

    with ThreadPoolExecutor(max(1, jobs)) as pool:
        futures = [pool.submit(run, item, on_line) for item in items]
        try:
            return [future.result() for future in futures]
        except BaseException:
            stop.set()
            for future in futures:
                future.cancel()
            raise
