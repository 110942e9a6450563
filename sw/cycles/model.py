"""Exact cycle model of a graph of processes joined by streams.

A process performs one step a cycle, in a fixed order that repeats every frame. A step may wait for
the next beat of the input stream, take it (pop), claim room in the output stream (reserve) and put
a beat there (push). It happens in the first cycle in which

- the step before it is over,
- if it waits: the beat is there,
- if it reserves its j-th beat: beat ``j - capacity`` was taken at least ``recycle`` cycles ago.

A process that joins streams waits for a beat of each and takes one of each; a step with the flags
``of_source(k)`` waits for one of its stream k alone, and takes that. A process that forks gives
each beat to every branch of its output; each branch takes it in its own time, and there is room for
the next where there is room in all.

A beat can be taken ``latency`` cycles after the step that pushed it. A register stage whose input
is ready while its output is taken has capacity 1, latency 1, recycle 0; a FIFO of depth d has
capacity d, latency 1, recycle 1; a pipeline of depth D into a FIFO of depth d with credits has
capacity d, latency D + 1, recycle 1.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "FRAME_INPUT",
    "GIVE",
    "MOST_SOURCES",
    "POP",
    "PUSH",
    "RESERVE",
    "TAKE",
    "WAIT",
    "Feed",
    "Process",
    "Trace",
    "of_source",
    "run",
]

WAIT, POP, RESERVE, PUSH = 1, 2, 4, 8
TAKE = WAIT | POP
GIVE = RESERVE | PUSH
SOURCE_SHIFT = 4  # of the number of a stream in the flags of a step, from 1 up; 0 is all
MOST_SOURCES = 15

# A stream that a process reads: the process that gives it, and which branch of its output.
Feed = tuple[int, int]
FRAME_INPUT: Feed = (-1, 0)


def of_source(source: int) -> int:
    """The flags of a step that waits for a beat of the stream of that number alone, from 0 up, or
    takes one.
    """
    assert 0 <= source < MOST_SOURCES, f"a process has at most {MOST_SOURCES} streams of its own"
    return (source + 1) << SOURCE_SHIFT


@dataclass(frozen=True, eq=False)
class Process:
    """A sequencer: the flags of each step of one frame, and what its output stream holds.

    ``steps``: uint8 array, one element a step, any of WAIT, POP, RESERVE, PUSH, and of_source of a
    stream where the step takes from that alone.
    ``latency``, ``capacity``, ``recycle``: of the output stream, see above.
    """

    name: str
    steps: NDArray[np.uint8]
    latency: int = 1
    capacity: int = 1
    recycle: int = 0

    @property
    def takes(self) -> int:
        """Beats of the first stream taken per frame."""
        return self.takes_of(0)

    def takes_of(self, source: int) -> int:
        """Beats of the stream of that number taken per frame."""
        asked = self.steps >> SOURCE_SHIFT
        mine = (asked == 0) | (asked == source + 1)
        return int(np.count_nonzero(mine & ((self.steps & POP) > 0)))

    @property
    def gives(self) -> int:
        """Beats given per frame."""
        return int(np.count_nonzero(self.steps & PUSH))


@dataclass(frozen=True, eq=False)
class Trace:
    """The cycle in which each beat of each stream is taken, in order.

    ``branches[p][b]``: of branch b of the output of process p. ``taken[p]``: of the first one.
    """

    frames: int
    branches: list[list[NDArray[np.int64]]]

    @property
    def taken(self) -> list[NDArray[np.int64]]:
        """For each process the cycle in which each of its output beats is taken, in order."""
        return [branches[0] for branches in self.branches]

    @property
    def latency_cycles(self) -> int:
        """Cycles from the first input beat (cycle 0) to the last output beat of the first frame."""
        ends = self.branches[-1][0]
        return int(ends[len(ends) // self.frames - 1])

    @property
    def interval_cycles(self) -> int:
        """Cycles between the last output beats of the last two frames, of two at least."""
        ends = self.branches[-1][0]
        return int(ends[-1] - ends[-1 - len(ends) // self.frames])


class _Stream:
    """A stream that somebody reads: from when its beats can be taken, and when they were."""

    def __init__(self, given: list[int]) -> None:
        self.given = given
        self.taken: list[int] = []


class _State:
    """A process on its way through its frames: the streams that it reads, and those it gives."""

    def __init__(self, process: Process, frames: int) -> None:
        self.process = process
        self.frames = frames
        self.given: list[int] = []  # cycle from which each output beat can be taken
        self.sources: list[_Stream] = []
        self.branches: list[_Stream] = []
        self.done = False

    def asked(self, flags: int) -> list[_Stream]:
        """The sources that a step with those flags waits for, or takes from."""
        source = flags >> SOURCE_SHIFT
        return self.sources[source - 1 : source] if source else self.sources

    def ready(self, flags: int) -> int:
        """The cycle from which each of them offers its next beat; -1 where one is not known yet."""
        sources = self.asked(flags)
        if any(len(source.taken) >= len(source.given) for source in sources):
            return -1
        return max(source.given[len(source.taken)] for source in sources)

    def returned(self, beat: int) -> int:
        """The cycle in which the last branch took that beat; -1 where it is not known yet."""
        if any(beat >= len(branch.taken) for branch in self.branches):
            return -1
        return max(branch.taken[beat] for branch in self.branches)

    def walk(self) -> Iterator[bool]:
        """Go through the steps of all frames. Yields where the cycle of the next step is not known
        yet, and tells each time whether there was a step since the last.
        """
        process, given, first = self.process, self.given, self.sources[0].given
        capacity, recycle, latency = process.capacity, process.recycle, process.latency
        mine, taken = self.branches[0].taken, self.sources[0].taken
        joins, forks = len(self.sources) > 1, len(self.branches) > 1
        now, popped, reserved, moved = -1, 0, 0, False
        for flags in process.steps.tolist() * self.frames:
            now += 1
            if flags & WAIT:
                while self.ready(flags) < 0 if joins else popped >= len(first):
                    yield moved
                    moved = False
                now = max(now, self.ready(flags) if joins else first[popped])
            if flags & RESERVE:
                room = reserved - capacity
                if room >= 0:
                    while room >= len(mine) or (forks and self.returned(room) < 0):
                        yield moved
                        moved = False
                    now = max(now, recycle + (self.returned(room) if forks else mine[room]))
                reserved += 1
            if flags & POP:
                if joins:
                    for source in self.asked(flags):
                        source.taken.append(now)
                else:
                    taken.append(now)
                    popped += 1
            if flags & PUSH:
                given.append(now + latency)
            moved = True
        self.done = True
        yield moved


def run(
    processes: Sequence[Process],
    frames: int = 1,
    feeds: Sequence[Sequence[Feed]] | None = None,
    period: int = 0,
) -> Trace:
    """Push ``frames`` frames through the processes: output always taken.

    ``feeds``: the streams that each process reads, of processes before it or ``FRAME_INPUT``;
    without, each reads the one before it. Each stream has one reader but the output, which is that
    of the last process. With ``period`` the input's beats come evenly, a frame in so many cycles;
    else they are always there.

    Raises ValueError if the processes cannot go on, or if neighbours disagree on the beats of a
    frame.
    """
    feeds = feeds if feeds is not None else [((k - 1, 0),) for k in range(len(processes))]
    states = [_State(process, frames) for process in processes]
    for state, sources in zip(states, feeds, strict=True):
        for port, (source, branch) in enumerate(sources):
            beats = state.process.takes_of(port)
            if source < 0:
                state.sources.append(_Stream(arrivals(beats, frames, period)))
            else:
                state.sources.append(joined(states[source], branch, state.process, beats))
    output = _Stream(states[-1].given)
    states[-1].branches.append(output)
    walks = [state.walk() for state in states]
    beside = neighbours(feeds)
    changed = set(range(len(states)))
    while changed:
        for index, state in enumerate(states):
            if index not in changed:
                continue
            changed.discard(index)
            if not state.done and next(walks[index]):
                changed |= beside[index]
            if state is states[-1] and len(output.taken) < len(output.given):
                output.taken.extend(output.given[len(output.taken) :])
                changed.add(index)
    stuck = [state.process.name for state in states if not state.done]
    if stuck:
        raise ValueError(f"the chain cannot go on: {', '.join(stuck)} wait for each other")
    rows = [[np.array(b.taken, dtype=np.int64) for b in state.branches] for state in states]
    return Trace(frames, rows)


def arrivals(beats: int, frames: int, period: int) -> list[int]:
    """The cycle from which each input beat is there."""
    return [beat * period // beats for beat in range(frames * beats)]


def joined(giver: _State, branch: int, reader: Process, beats: int) -> _Stream:
    """The stream that ``reader`` reads from a branch of ``giver``, ``beats`` a frame; raises
    ValueError.
    """
    if giver.process.gives != beats:
        raise ValueError(
            f"{giver.process.name} gives {giver.process.gives} beats a frame, "
            f"but {reader.name} takes {beats}"
        )
    while len(giver.branches) <= branch:
        giver.branches.append(_Stream(giver.given))
    return giver.branches[branch]


def neighbours(feeds: Sequence[Sequence[Feed]]) -> list[set[int]]:
    """For each process those that may be able to go on after it has moved."""
    beside: list[set[int]] = [set() for _ in feeds]
    for reader, sources in enumerate(feeds):
        for source, _ in sources:
            if source >= 0:
                beside[reader].add(source)
                beside[source].add(reader)
    return beside
