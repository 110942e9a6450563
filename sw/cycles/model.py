"""Exact cycle model of a chain of processes joined by streams.

A process performs one step a cycle, in a fixed order that repeats every frame. A step may wait for
the next beat of the input stream, take it (pop), claim room in the output stream (reserve) and put
a beat there (push). It happens in the first cycle in which

- the step before it is over,
- if it waits: the beat is there,
- if it reserves its j-th beat: beat ``j - capacity`` was taken at least ``recycle`` cycles ago.

A beat can be taken ``latency`` cycles after the step that pushed it. A register stage whose input
is ready while its output is taken has capacity 1, latency 1, recycle 0; a FIFO of depth d has
capacity d, latency 1, recycle 1; a pipeline of depth D into a FIFO of depth d with credits has
capacity d, latency D + 1, recycle 1.
"""

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

__all__ = ["GIVE", "POP", "PUSH", "RESERVE", "TAKE", "WAIT", "Process", "Trace", "run"]

WAIT, POP, RESERVE, PUSH = 1, 2, 4, 8
TAKE = WAIT | POP
GIVE = RESERVE | PUSH


@dataclass(frozen=True, eq=False)
class Process:
    """A sequencer: the flags of each step of one frame, and what its output stream holds.

    ``steps``: uint8 array, one element a step, any of WAIT, POP, RESERVE, PUSH.
    ``latency``, ``capacity``, ``recycle``: of the output stream, see above.
    """

    name: str
    steps: NDArray[np.uint8]
    latency: int = 1
    capacity: int = 1
    recycle: int = 0

    @property
    def takes(self) -> int:
        """Beats taken per frame."""
        return int(np.count_nonzero(self.steps & POP))

    @property
    def gives(self) -> int:
        """Beats given per frame."""
        return int(np.count_nonzero(self.steps & PUSH))


@dataclass(eq=False)
class Trace:
    """For each process the cycle in which each of its output beats is taken, in order."""

    frames: int
    taken: list[NDArray[np.int64]] = field(default_factory=list)

    @property
    def latency_cycles(self) -> int:
        """Cycles from the first input beat (cycle 0) to the last output beat of the first frame."""
        return int(self.taken[-1][len(self.taken[-1]) // self.frames - 1])

    @property
    def interval_cycles(self) -> int:
        """Cycles between the last output beats of the last two frames, of two at least."""
        beats = len(self.taken[-1]) // self.frames
        return int(self.taken[-1][-1] - self.taken[-1][-1 - beats])


class _State:
    """A process on its way through its frames."""

    def __init__(self, process: Process, frames: int) -> None:
        self.process = process
        self.steps: list[int] = process.steps.tolist()
        self.left = len(self.steps) * frames
        self.at = 0
        self.cycle = -1
        self.popped = 0
        self.reserved = 0
        self.given: list[int] = []  # cycle from which each output beat can be taken
        self.taken: list[int] = []  # cycle in which each output beat was taken

    def advance(self, source: "list[int] | None", taken: list[int]) -> bool:
        """Do every step whose cycle is known by now; whether there was one."""
        process, steps, mine = self.process, self.steps, self.taken
        capacity, recycle, latency = process.capacity, process.recycle, process.latency
        before = self.left
        while self.left:
            flags = steps[self.at]
            cycle = self.cycle + 1
            if flags & WAIT and source is not None:
                if self.popped >= len(source):
                    break
                cycle = max(cycle, source[self.popped])
            if flags & RESERVE:
                room = self.reserved - capacity
                if room >= len(mine):
                    break
                if room >= 0:
                    cycle = max(cycle, mine[room] + recycle)
                self.reserved += 1
            if flags & POP:
                taken.append(cycle)
                self.popped += 1
            if flags & PUSH:
                self.given.append(cycle + latency)
            self.cycle = cycle
            self.at = self.at + 1 if self.at + 1 < len(steps) else 0
            self.left -= 1
        return self.left != before


def run(processes: list[Process], frames: int = 1) -> Trace:
    """Push ``frames`` frames through the chain: input always there, output always taken.

    Raises ValueError if the chain cannot go on, or if neighbours disagree on the beats of a frame.
    """
    for source, reader in pairwise(processes):
        if source.gives != reader.takes:
            raise ValueError(
                f"{source.name} gives {source.gives} beats a frame, "
                f"but {reader.name} takes {reader.takes}"
            )
    states = [_State(process, frames) for process in processes]
    scratch: list[int] = []
    moving = True
    while moving:
        moving = False
        for index, state in enumerate(states):
            before = states[index - 1] if index else None
            moved = state.advance(
                before.given if before else None, before.taken if before else scratch
            )
            moving = moving or moved
            if index == len(states) - 1:
                state.taken.extend(state.given[len(state.taken) :])
    stuck = [state.process.name for state in states if state.left]
    if stuck:
        raise ValueError(f"the chain cannot go on: {', '.join(stuck)} wait for each other")
    return Trace(frames, [np.array(state.taken, dtype=np.int64) for state in states])
