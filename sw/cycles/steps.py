"""In which cycle each step of each process happens, and what it has waited for."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from subbit.sw.cycles.model import (
    POP,
    PUSH,
    RESERVE,
    SOURCE_SHIFT,
    WAIT,
    Feed,
    Process,
    Trace,
    arrivals,
)

__all__ = ["Steps", "step_cycles"]

Cycles = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Steps:
    """``cycles``: int64 ``[frames * steps]``, in which each step of a process happens. Before it,
    the process has waited ``for_input`` cycles for beats and then ``for_room`` cycles for room in
    its output, int64 of the same shape.
    """

    cycles: Cycles
    for_input: Cycles
    for_room: Cycles


def step_cycles(
    processes: Sequence[Process],
    trace: Trace,
    feeds: Sequence[Sequence[Feed]] | None = None,
    period: int = 0,
) -> list[Steps]:
    """The steps of all processes, of which ``trace`` says when beats are taken; arguments as those
    of subbit.sw.cycles.model.run, which made it.
    """
    feeds = feeds if feeds is not None else [((k - 1, 0),) for k in range(len(processes))]
    given: list[list[int]] = []
    found: list[Steps] = []
    for number, (process, sources) in enumerate(zip(processes, feeds, strict=True)):
        offers = [
            given[source] if source >= 0 else arrivals(process.takes_of(port), trace.frames, period)
            for port, (source, _) in enumerate(sources)
        ]
        steps, gives = replayed(process, trace.frames, offers, trace.branches[number])
        found.append(steps)
        given.append(gives)
    return found


def replayed(
    process: Process, frames: int, offers: Sequence[list[int]], branches: Sequence[Cycles]
) -> tuple[Steps, list[int]]:
    """The steps of a process, and from when each beat that it gives can be taken.

    ``offers``: from when each beat of each of its streams is there; ``branches``: when each beat
    that it gives is taken.
    """
    returned = np.max(branches, axis=0).tolist()
    taken = [0] * len(offers)
    given: list[int] = []
    rows: list[tuple[int, int, int]] = []
    now, reserved = -1, 0
    for flags in process.steps.tolist() * frames:
        now += 1
        source, for_input, for_room = flags >> SOURCE_SHIFT, 0, 0
        asked = (source - 1,) if source else range(len(offers))
        if flags & WAIT:
            for_input = max(0, max(offers[port][taken[port]] for port in asked) - now)
            now += for_input
        if flags & RESERVE:
            room = reserved - process.capacity
            if room >= 0:
                for_room = max(0, process.recycle + returned[room] - now)
                now += for_room
            reserved += 1
        if flags & POP:
            for port in asked:
                taken[port] += 1
        if flags & PUSH:
            given.append(now + process.latency)
        rows.append((now, for_input, for_room))
    return Steps(*np.array(rows, np.int64).reshape(-1, 3).T), given
