"""The cycle model for large networks: when frames end and how full streams get; no trace."""

import atexit
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subbit.sw.cycles.kernel import BRANCH_BYTES, FIELDS, PROCESS_BYTES, SOURCE_BYTES, WAT
from subbit.sw.cycles.model import Feed, Process

__all__ = ["Timing", "measure"]

PAGE = 65536
MAX_BYTES = 3 << 30


@dataclass(frozen=True)
class Timing:
    """When frames end, counted in cycles from the first input beat.

    ``ends``: the cycle of the last output beat of each frame. ``held``: for each logged process the
    most beats that were reserved and not taken yet at once, in the last frame. ``gaps``: the
    different distances of the last three frames, looking at the last beat that each process gives.
    """

    ends: tuple[int, ...]
    held: dict[int, int]
    gaps: frozenset[int] = frozenset()

    @property
    def latency_cycles(self) -> int:
        """Cycles from the first input beat to the last output beat of the first frame."""
        return self.ends[0]

    @property
    def interval_cycles(self) -> int:
        """Cycles between the ends of the last two frames."""
        return self.ends[-1] - self.ends[-2]


def measure(
    processes: Sequence[Process],
    frames: int = 4,
    feeds: Sequence[Sequence[Feed]] | None = None,
    period: int = 0,
    log: Sequence[int] = (),
) -> Timing:
    """Push two or more ``frames`` through the processes: output always taken.

    ``feeds`` as in subbit.sw.cycles.model.run. With ``period`` the input's beats come evenly, a
    frame in so many cycles; else they are always there. ``log``: processes whose streams are
    watched. Raises ValueError where the processes cannot go on or are too large.
    """
    feeds = feeds if feeds is not None else [((k - 1, 0),) for k in range(len(processes))]
    layout = Layout(processes, frames, feeds, set(log))
    store, run, memory = instance(layout.size)
    data = np.frombuffer(memory, np.uint8)
    layout.fill(data)
    run(store, len(processes), layout.queue, period)
    words = data.view(np.int32)
    left = [words[(k * PROCESS_BYTES >> 2) + FIELDS["frames"]] for k in range(len(processes))]
    stuck = [
        process.name for process, frames_left in zip(processes, left, strict=True) if frames_left
    ]
    if stuck:
        raise ValueError(f"the chain cannot go on: {', '.join(stuck)} wait for each other")
    cycles = data.view(np.int64)
    ends = np.stack([cycles[first >> 3 : (first >> 3) + frames] for first in layout.ends])
    gaps = frozenset(np.unique(np.diff(ends[:, -3:])).tolist())
    held = {k: layout.held(words, k) for k in sorted(set(log))}
    return Timing(tuple(map(int, ends[-1])), held, gaps)


@cache
def compiled() -> tuple[Any, Any]:
    """The kernel, compiled once."""
    import wasmtime

    engine = wasmtime.Engine()
    # Freed before the interpreter takes its modules apart, which wasmtime's finalisers need.
    atexit.register(compiled.cache_clear)
    return engine, wasmtime.Module(engine, WAT)


def instance(size: int) -> tuple[Any, Any, Any]:
    """A store, the kernel's function, and its memory of at least ``size`` bytes."""
    import wasmtime

    engine, module = compiled()
    store = wasmtime.Store(engine)
    exports = wasmtime.Instance(store, module, []).exports(store)
    memory: Any = exports["memory"]
    pages = -(-size // PAGE)
    if pages > 1:
        memory.grow(store, pages - 1)
    return store, exports["run"], memory.get_buffer_ptr(store)


class Layout:
    """Addresses of everything in the memory of the kernel."""

    def __init__(
        self,
        processes: Sequence[Process],
        frames: int,
        feeds: Sequence[Sequence[Feed]],
        logged: set[int],
    ) -> None:
        check_beats(processes, feeds)
        self.processes, self.frames, self.feeds = processes, frames, feeds
        readers = readers_of(feeds)
        self.size = len(processes) * PROCESS_BYTES
        self.queue = self.room(4 * (len(processes) + 1))
        self.ends = [self.room(8 * frames) for _ in processes]
        self.given = [self.room(8 * p.capacity) for p in processes]
        self.branches: list[list[tuple[int, ...]]] = []
        for k, process in enumerate(processes):
            beats = frames * process.gives
            self.branches.append(
                [
                    (
                        self.room(8 * process.capacity),
                        0,
                        reader * PROCESS_BYTES if reader >= 0 else -1,
                        self.room(4 * beats) if k in logged else 0,
                    )
                    for reader in readers[k]
                ]
            )
        self.logs = [
            self.room(4 * frames * process.gives) if k in logged else 0
            for k, process in enumerate(processes)
        ]
        self.branch_rows = [self.room(BRANCH_BYTES * len(rows)) for rows in self.branches]
        self.source_rows = [self.room(SOURCE_BYTES * len(rows)) for rows in feeds]
        places: dict[int, int] = {}  # processes alike share their steps
        for process in processes:
            if id(process.steps) not in places:
                places[id(process.steps)] = self.room(len(process.steps))
        self.steps = [places[id(process.steps)] for process in processes]
        if self.size > MAX_BYTES:
            raise ValueError(f"the cycle model would take {self.size >> 20} MB for these processes")

    def room(self, size: int) -> int:
        """The address of ``size`` more bytes."""
        address = self.size
        self.size += -(-size // 8) * 8
        return address

    def fill(self, data: NDArray[np.uint8]) -> None:
        """Write the state before the first cycle."""
        words = data.view(np.int32)
        for k, process in enumerate(self.processes):
            steps = np.asarray(process.steps, np.uint8)
            data[self.steps[k] : self.steps[k] + len(steps)] = steps
            row = {
                "steps": self.steps[k],
                "count": len(steps),
                "frames": self.frames,
                "capacity": process.capacity,
                "recycle": process.recycle,
                "latency": process.latency,
                "given": self.given[k],
                "branches": self.branch_rows[k],
                "branch_count": len(self.branches[k]),
                "sources": self.source_rows[k],
                "source_count": len(self.feeds[k]),
                "ends": self.ends[k],
                "log": self.logs[k],
            }
            base = k * PROCESS_BYTES >> 2
            for name, value in row.items():
                words[base + FIELDS[name]] = value
            data.view(np.int64)[(base + FIELDS["cycle"]) >> 1] = -1
            put_rows(words, self.branch_rows[k], self.branches[k])
            rows = [self.source(k, port) for port in range(len(self.feeds[k]))]
            put_rows(words, self.source_rows[k], rows)

    def source(self, k: int, port: int) -> tuple[int, ...]:
        """Of a stream that a process reads: the address of the process that gives it and of the
        branch, none taken yet, and the beats of a frame.
        """
        giver, branch = self.feeds[k][port]
        beats = max(1, self.processes[k].takes_of(port))
        if giver < 0:
            return -1, 0, 0, beats
        place = self.branch_rows[giver] + branch * BRANCH_BYTES
        return giver * PROCESS_BYTES, place, 0, beats

    def held(self, words: NDArray[np.int32], k: int) -> int:
        """The most beats of a logged process at once, by the cycles of reserving and taking."""
        process = self.processes[k]
        beats = self.frames * process.gives
        reserved = words[self.logs[k] >> 2 : (self.logs[k] >> 2) + beats]
        taken = np.max(
            [words[row[3] >> 2 : (row[3] >> 2) + beats] for row in self.branches[k]], axis=0
        )
        last = np.arange(beats - process.gives, beats)
        back = np.searchsorted(taken, reserved[last] - process.recycle, side="right")
        return int((last + 1 - back).max())


def put_rows(words: NDArray[np.int32], address: int, rows: Sequence[Sequence[int]]) -> None:
    """Write records of 32-bit words."""
    flat = [value for row in rows for value in row]
    words[address >> 2 : (address >> 2) + len(flat)] = flat


def readers_of(feeds: Sequence[Sequence[Feed]]) -> list[list[int]]:
    """For each process the readers of its branches; -1, the output, for the last process."""
    readers: list[list[int]] = [[] for _ in feeds]
    for reader, sources in enumerate(feeds):
        for giver, branch in sources:
            if giver >= 0:
                readers[giver] += [-1] * (branch + 1 - len(readers[giver]))
                readers[giver][branch] = reader
    readers[-1].append(-1)
    return readers


def check_beats(processes: Sequence[Process], feeds: Sequence[Sequence[Feed]]) -> None:
    """Raise ValueError where neighbours disagree on the beats of a frame."""
    for reader, sources in zip(processes, feeds, strict=True):
        for port, giver in ((port, processes[k]) for port, (k, _) in enumerate(sources) if k >= 0):
            if giver.gives != reader.takes_of(port):
                raise ValueError(
                    f"{giver.name} gives {giver.gives} beats a frame, "
                    f"but {reader.name} takes {reader.takes_of(port)}"
                )
