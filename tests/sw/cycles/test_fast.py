"""The compiled cycle model agrees with the one that keeps a trace."""

from itertools import pairwise

import numpy as np
import pytest

from subbit.sw.cycles.fast import measure
from subbit.sw.cycles.model import (
    FRAME_INPUT,
    GIVE,
    POP,
    PUSH,
    RESERVE,
    TAKE,
    WAIT,
    Feed,
    Process,
    run,
)


def random_process(rng: np.random.Generator, takes: int, gives: int) -> Process:
    """A process of that many beats with idle steps between, gives never before its room."""
    length = int(rng.integers(max(takes, gives), 2 * (takes + gives) + 1))
    steps = np.zeros(length, np.uint8)
    steps[np.sort(rng.choice(length, takes, replace=False))] |= TAKE
    steps[np.sort(rng.choice(length, gives, replace=False))] |= GIVE
    capacity = int(rng.integers(1, 7))
    return Process("p", steps, int(rng.integers(1, 9)), capacity, int(rng.integers(0, 2)))


def check(processes: list[Process], feeds: list[tuple[Feed, ...]] | None = None) -> None:
    found = measure(processes, 4, feeds)
    trace = run(processes, 4, feeds)
    ends = trace.taken[-1].reshape(4, -1)[:, -1]
    assert found.ends == tuple(ends)
    assert found.latency_cycles == trace.latency_cycles
    assert found.interval_cycles == trace.interval_cycles


@pytest.mark.parametrize("seed", range(12))
def test_chains(seed: int) -> None:
    rng = np.random.default_rng(seed)
    beats = rng.integers(1, 12, 7).tolist()
    check([random_process(rng, a, b) for a, b in pairwise(beats)])


def test_steps_that_wait_reserve_and_push_apart() -> None:
    write = np.array([TAKE | RESERVE, TAKE, TAKE | PUSH] * 5, np.uint8)
    read = np.array([WAIT | GIVE, GIVE, GIVE | POP] * 5, np.uint8)
    check([Process("write", write, capacity=2, recycle=1), Process("read", read)])


@pytest.mark.parametrize("seed", range(6))
def test_forks_and_joins(seed: int) -> None:
    rng = np.random.default_rng(seed)
    middle = random_process(rng, 8, 8)
    deep = Process("fifo", np.full(8, TAKE | GIVE, np.uint8), capacity=40, recycle=1)
    processes = [random_process(rng, 6, 8), middle, deep, random_process(rng, 8, 3)]
    check(processes, [(FRAME_INPUT,), ((0, 0),), ((0, 1),), ((1, 0), (2, 0))])


def test_a_join_that_starves_is_named() -> None:
    late = np.array([TAKE] * 4 + [GIVE] * 4, np.uint8)
    every = np.full(4, TAKE | GIVE, np.uint8)
    processes = [Process("fork", every), Process("late", late), Process("add", every)]
    with pytest.raises(ValueError, match="the chain cannot go on: fork, late, add wait"):
        measure(processes, 2, [(FRAME_INPUT,), ((0, 0),), ((1, 0), (0, 1))])


def test_neighbours_that_disagree_are_named() -> None:
    processes = [Process("one", np.full(4, TAKE | GIVE, np.uint8))]
    processes.append(Process("two", np.full(3, TAKE | GIVE, np.uint8)))
    with pytest.raises(ValueError, match="one gives 4 beats a frame, but two takes 3"):
        measure(processes)


def test_held_beats_are_a_depth_that_suffices_and_one_less_does_not() -> None:
    burst = np.array([TAKE] * 16 + [GIVE] * 16, np.uint8)
    late = np.array([TAKE] + [0] * 30 + [GIVE] + [TAKE | GIVE] * 15, np.uint8)
    every = np.full(16, TAKE | GIVE, np.uint8)

    def chain(depth: int) -> list[Process]:
        fifo = Process("fifo", every, capacity=depth, recycle=1)
        return [Process("burst", burst), fifo, Process("late", late)]

    period = max(len(burst), len(late))
    held = measure(chain(100), 8, period=period, log=[1]).held[1]
    assert 1 < held < 32
    assert measure(chain(held), 8).interval_cycles == period
    fast = [measure(chain(depth), 8).interval_cycles for depth in range(1, held)]
    assert fast[0] > period
