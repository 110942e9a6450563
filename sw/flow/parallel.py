"""Several runs of a tool at a time."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from threading import Event, get_ident
from typing import TypeVar

from subbit.sw.flow.process import end_tools
from subbit.sw.signals import deferred

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
    failed; a tool that says nothing is ended too. Raises what the first one that failed raised.
    """
    stop, threads = Event(), set[int]()

    def on_line(line: str) -> None:
        if stop.is_set():
            raise Stopped

    def task(item: Item) -> Result:
        threads.add(get_ident())
        return run(item, on_line)

    with ThreadPoolExecutor(max(1, jobs)) as pool:
        futures: list[Future[Result]] = []
        try:
            futures.extend(pool.submit(task, item) for item in items)
            return [future.result() for future in futures]
        except BaseException:
            stop.set()
            for future in futures:
                future.cancel()
            with deferred():
                while wait(futures, timeout=0.2).not_done:
                    end_tools(tuple(threads))
            raise
