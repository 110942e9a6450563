"""The cycle model of graphs against a simulation that walks every process through every cycle."""

from collections import deque
from dataclasses import dataclass, field

import numpy as np
import pytest

from subbit.sw.cycles import FRAME_INPUT, Feed, Process, run
from subbit.sw.cycles.fast import measure
from subbit.sw.cycles.model import GIVE, POP, PUSH, RESERVE, TAKE, WAIT, of_source

QUIET_CYCLES = 200  # without any step: longer than any latency here


@dataclass
class Stream:
    """A branch of an output: cycles from which beats can be taken and room is free again."""

    process: Process
    used: int = 0
    queue: deque[int] = field(default_factory=deque)
    returned: deque[int] = field(default_factory=deque)
    taken: list[int] = field(default_factory=list)

    def there(self, cycle: int) -> bool:
        return bool(self.queue and self.queue[0] <= cycle)

    def free(self, cycle: int) -> bool:
        while self.returned and self.returned[0] <= cycle:
            self.returned.popleft()
            self.used -= 1
        return self.used < self.process.capacity

    def take(self, cycle: int) -> None:
        self.queue.popleft()
        self.taken.append(cycle)
        self.returned.append(cycle + self.process.recycle)


def walk(
    processes: list[Process], feeds: list[tuple[Feed, ...]], frames: int
) -> list[list[list[int]]] | None:
    """The cycles in which each branch's beats are taken; None where everything stands still."""
    readers = [sum(f[0] == k for source in feeds for f in source) for k in range(len(processes))]
    outs = [[Stream(p) for _ in range(n or 1)] for p, n in zip(processes, readers, strict=True)]
    at, left = [0] * len(processes), [len(p.steps) * frames for p in processes]
    moved = cycle = 0
    while any(left) or any(outs[-1][0].queue):
        if cycle - moved > QUIET_CYCLES:
            return None
        if outs[-1][0].there(cycle):
            outs[-1][0].take(cycle)
        for k in reversed(range(len(processes))):
            flags = int(processes[k].steps[at[k]])
            asked = feeds[k][(flags >> 4) - 1 :][:1] if flags >> 4 else feeds[k]
            sources = [outs[p][b] for p, b in asked if p >= 0]
            ready = not flags & WAIT or all(source.there(cycle) for source in sources)
            room = [branch.free(cycle) for branch in outs[k]]
            if not left[k] or not ready or (flags & RESERVE and not all(room)):
                continue
            moved = cycle
            for branch in outs[k]:
                branch.used += bool(flags & RESERVE)
                if flags & PUSH:
                    branch.queue.append(cycle + processes[k].latency)
            for source in sources if flags & POP else ():
                source.take(cycle)
            at[k], left[k] = (at[k] + 1) % len(processes[k].steps), left[k] - 1
        cycle += 1
    return [[branch.taken for branch in branches] for branches in outs]


def random_process(chance: np.random.Generator, name: str, takes: int, gives: int) -> Process:
    """A process that gives its beats behind a random part of those that it takes."""
    early = int(chance.integers(0, min(takes, gives)))
    steps = [TAKE | GIVE] * early + [TAKE] * (takes - early - 1)
    steps += [TAKE | GIVE] + [GIVE] * (gives - early - 1) + [0] * int(chance.integers(0, 3))
    return Process(
        name,
        np.array(steps, np.uint8),
        latency=int(chance.integers(1, 5)),
        capacity=int(chance.integers(1, 4)) + 6 * int(chance.integers(0, 2)),
        recycle=int(chance.integers(0, 2)),
    )


def merge_process(chance: np.random.Generator, name: str, takes: int, gives: int) -> Process:
    """A process that takes from one of two streams at a time, in any order, and gives its beats
    behind all but one of those that it takes.
    """
    order = [TAKE | of_source(k) for k in (0, 1) for _ in range(takes)]
    chance.shuffle(order)
    steps = [*order[:-1], order[-1] | GIVE, *([GIVE] * (gives - 1))]
    return Process(name, np.array(steps, np.uint8), capacity=1 + int(chance.integers(0, 2)))


def random_graph(seed: int) -> tuple[list[Process], list[tuple[Feed, ...]]]:
    """Streams that fork and join at random until one is left; all carry the same beats."""
    chance = np.random.default_rng(seed)
    beats = int(chance.integers(1, 7))
    processes = [random_process(chance, "p0", int(chance.integers(1, 7)), beats)]
    feeds: list[tuple[Feed, ...]] = [(FRAME_INPUT,)]
    ends: list[Feed] = [(0, 0)]
    while len(processes) < 4 + seed % 5 or len(ends) > 1:
        k, what = len(processes), chance.random()
        chance.shuffle(ends)
        if len(ends) > 1 and (what < 0.4 or k > 8):
            sources, branches = ends[:2], 1
        else:
            sources, branches = ends[:1], 1 + (what > 0.6 and k < 7)
        merges = len(sources) > 1 and chance.random() < 0.5
        make = merge_process if merges else random_process
        processes.append(make(chance, f"p{k}", beats, beats))
        feeds.append(tuple((int(p), int(b)) for p, b in sources))
        ends = [*ends[len(sources) :], *((k, b) for b in range(branches))]
    return processes, feeds


@pytest.mark.parametrize("seed", range(80))
def test_the_model_and_the_walk_agree(seed: int) -> None:
    processes, feeds = random_graph(seed)
    wanted = walk(processes, feeds, 3)
    if wanted is None:
        with pytest.raises(ValueError, match="cannot go on"):
            run(processes, 3, feeds)
        return
    trace = run(processes, 3, feeds)
    for process, found, cycles in zip(processes, trace.branches, wanted, strict=True):
        for b, branch in enumerate(cycles):
            np.testing.assert_array_equal(found[b], branch, err_msg=f"{process.name}, branch {b}")


@pytest.mark.parametrize("seed", range(0, 80, 3))
def test_the_compiled_model_sees_whether_frames_settle(seed: int) -> None:
    processes, feeds = random_graph(seed)
    try:
        trace = run(processes, 9, feeds, period=20)
    except ValueError:
        with pytest.raises(ValueError, match="cannot go on"):
            measure(processes, 9, feeds, 20)
        return
    timing = measure(processes, 9, feeds, 20)
    assert timing.ends == tuple(trace.taken[-1].reshape(9, -1)[:, -1].tolist())
    last = [branches[0].reshape(9, -1)[-4:, -1] for branches in trace.branches]
    settled = all(set(np.diff(cycles)) == {20} for cycles in last)
    assert not settled or timing.gaps == {20}


def test_the_graphs_fork_join_and_get_stuck() -> None:
    graphs = [random_graph(seed) for seed in range(80)]
    stuck = sum(walk(processes, feeds, 3) is None for processes, feeds in graphs)
    joins = sum(len(sources) > 1 for _, feeds in graphs for sources in feeds)
    assert 5 < stuck < 40
    assert joins > 60


def test_a_branch_that_waits_holds_the_others_back_one_register_later() -> None:
    fork = Process("fork", np.array([TAKE | GIVE] * 4, np.uint8))
    slow = Process("slow", np.array([TAKE, 0, TAKE | GIVE, 0] * 2, np.uint8), capacity=9)
    queue = Process("queue", np.array([TAKE | GIVE] * 4, np.uint8), capacity=4, recycle=1)
    half = Process("half", np.array([TAKE, TAKE | GIVE] * 2, np.uint8), capacity=9)
    both = Process("both", np.array([TAKE | GIVE] * 2, np.uint8))
    feeds = [(FRAME_INPUT,), ((0, 0),), ((0, 1),), ((2, 0),), ((1, 0), (3, 0))]
    trace = run([fork, slow, queue, half, both], 1, feeds)
    assert trace.branches[0][0].tolist() == [1, 3, 5, 7]
    assert trace.branches[0][1].tolist() == [1, 2, 4, 6]
    assert trace.taken[-1].tolist() == [5, 9]


def test_the_input_may_come_at_a_given_rate() -> None:
    one = Process("one", np.array([TAKE | GIVE] * 3, np.uint8))
    assert run([one], 2, period=10).taken[0].tolist() == [1, 4, 7, 11, 14, 17]


def test_joined_streams_must_agree() -> None:
    one, two = (Process(f"{n}", np.array([TAKE | GIVE] * n, np.uint8)) for n in (1, 2))
    with pytest.raises(ValueError, match="1 gives 1 beats a frame, but 2 takes 2"):
        run([one, two], 1, [(FRAME_INPUT,), ((0, 0), (0, 1))])


def test_a_step_may_take_from_one_stream_alone() -> None:
    turns = np.array([TAKE | GIVE | of_source(k) for k in (0, 1, 1) * 2], np.uint8)
    merge = Process("merge", turns)
    assert (merge.takes, merge.takes_of(1), merge.gives) == (2, 4, 6)
    one, two = (Process(f"{n}", np.array([TAKE | GIVE] * n, np.uint8)) for n in (2, 4))
    late = Process("late", np.array([TAKE, 0, 0, GIVE] * 2, np.uint8))
    feeds = [(FRAME_INPUT,), ((0, 0),), (FRAME_INPUT,), ((1, 0), (2, 0))]
    trace = run([one, late, two, merge], 1, feeds)
    assert trace.taken[-1].tolist() == [6, 7, 8, 10, 11, 12]
    assert measure([one, late, two, merge], 2, feeds).ends[0] == 12
    with pytest.raises(ValueError, match="2 gives 2 beats a frame, but merge takes 4"):
        run([one, one, merge], 1, [(FRAME_INPUT,), (FRAME_INPUT,), ((0, 0), (1, 0))])
