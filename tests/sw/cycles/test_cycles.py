"""The cycle model against a simulation that walks every process through every cycle."""

from collections import deque
from dataclasses import dataclass, field

import numpy as np
import pytest

from subbit.sw.cycles.model import GIVE, POP, PUSH, RESERVE, TAKE, WAIT, Process, run


@dataclass
class Walker:
    """A process and its output stream, cycle by cycle."""

    process: Process
    at: int = 0
    left: int = 0
    reserved: int = 0
    returned: deque[int] = field(default_factory=deque)  # cycles from which room is free again
    queue: deque[int] = field(default_factory=deque)  # cycles from which beats can be taken
    taken: list[int] = field(default_factory=list)


def walk(processes: list[Process], frames: int) -> list[list[int]]:
    """The cycles in which each process's output beats are taken, found the slow way.

    Processes act from the last to the first, so that room which is free in the same cycle
    (recycle 0) is seen.
    """
    walkers = [Walker(p, left=len(p.steps) * frames) for p in processes]
    for cycle in range(100_000):
        if not any(w.left or w.queue for w in walkers):
            return [w.taken for w in walkers]
        last = walkers[-1]
        if last.queue and last.queue[0] <= cycle:
            last.queue.popleft()
            last.taken.append(cycle)
            last.returned.append(cycle + last.process.recycle)
        for index in reversed(range(len(walkers))):
            act(walkers[index], walkers[index - 1] if index else None, cycle)
    raise AssertionError("no end")


def act(walker: Walker, source: Walker | None, cycle: int) -> None:
    """Do the walker's next step if it can happen in this cycle."""
    process = walker.process
    while walker.returned and walker.returned[0] <= cycle:
        walker.returned.popleft()
        walker.reserved -= 1
    flags = int(process.steps[walker.at])
    ready = not flags & WAIT or source is None or bool(source.queue and source.queue[0] <= cycle)
    if not walker.left or not ready or (flags & RESERVE and walker.reserved >= process.capacity):
        return
    walker.reserved += bool(flags & RESERVE)
    if flags & POP and source:
        source.queue.popleft()
        source.taken.append(cycle)
        source.returned.append(cycle + source.process.recycle)
    if flags & PUSH:
        walker.queue.append(cycle + process.latency)
    walker.at = (walker.at + 1) % len(process.steps)
    walker.left -= 1


def random_chain(seed: int) -> list[Process]:
    """Processes whose neighbours agree on the beats of a frame."""
    chance = np.random.default_rng(seed)
    beats = int(chance.integers(1, 9))
    chain = []
    for index in range(int(chance.integers(1, 6))):
        gives = int(chance.integers(1, 9))
        # beats are given at or after the last beat taken, so that no step needs a later one
        takes = [TAKE] * (beats - 1)
        steps = takes + [TAKE | GIVE] + [GIVE] * (gives - 1)
        idle = [0] * int(chance.integers(0, 4))
        recycle = int(chance.integers(0, 2))
        capacity = int(chance.integers(1, 5)) + 8 * int(chance.integers(0, 2))
        chain.append(
            Process(
                f"p{index}",
                np.array(steps + idle, np.uint8),
                latency=int(chance.integers(1, 6)),
                capacity=capacity,
                recycle=recycle,
            )
        )
        beats = gives
    return chain


@pytest.mark.parametrize("seed", range(60))
def test_the_model_and_the_walk_agree(seed: int) -> None:
    chain = random_chain(seed)
    trace = run(chain, 3)
    for process, found, wanted in zip(chain, trace.taken, walk(chain, 3), strict=True):
        np.testing.assert_array_equal(found, wanted, err_msg=process.name)


def test_a_token_holds_the_reader_back_until_the_whole_frame_is_there() -> None:
    write = Process("w", np.array([TAKE | RESERVE, TAKE, TAKE | PUSH], np.uint8), capacity=2)
    read = Process("r", np.array([WAIT | GIVE, GIVE, GIVE | POP], np.uint8))
    trace = run([write, read], 3)
    assert trace.taken[-1].tolist() == [4, 5, 6, 7, 8, 9, 10, 11, 12]
    assert trace.latency_cycles == 6
    assert trace.interval_cycles == 3
    for found, wanted in zip(trace.taken, walk([write, read], 3), strict=True):
        assert found.tolist() == wanted


def test_neighbours_must_agree() -> None:
    one = Process("one", np.array([TAKE | GIVE], np.uint8))
    two = Process("two", np.array([TAKE, TAKE | GIVE], np.uint8))
    with pytest.raises(ValueError, match="one gives 1 beats a frame, but two takes 2"):
        run([one, two])


def test_a_chain_that_cannot_go_on_is_named() -> None:
    greedy = Process("greedy", np.array([TAKE | RESERVE, TAKE | GIVE, PUSH], np.uint8))
    with pytest.raises(ValueError, match="the chain cannot go on: greedy"):
        run([greedy])
