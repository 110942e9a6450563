"""The cycles of steps, against the cycles of beats, which they must lead to."""

import numpy as np
import pytest

from subbit.sw.cycles.model import GIVE, POP, PUSH, RESERVE, TAKE, WAIT, Process, run
from subbit.sw.cycles.steps import step_cycles
from subbit.sw.lower.pipeline import Pipeline
from subbit.sw.lower.plan import smallest_plan
from tests.networks import NETWORKS, residual_network, small_network


def check(pipeline: Pipeline, frames: int, period: int = 0) -> None:
    """A step that takes a beat happens when the beat is taken; no two steps in one cycle; and each
    cycle between two steps was waited for.
    """
    trace = pipeline.cycles(frames, period)
    found = step_cycles(pipeline.processes, trace, pipeline.feeds, period)
    for process, sources, steps in zip(pipeline.processes, pipeline.feeds, found, strict=True):
        assert len(steps.cycles) == frames * len(process.steps)
        waited = steps.for_input + steps.for_room
        assert (np.diff(steps.cycles, prepend=-1) == 1 + waited).all()
        for port, (source, branch) in enumerate(sources):
            flags = np.tile(process.steps, frames)
            asked = flags >> 4
            pops = ((flags & POP) > 0) & ((asked == 0) | (asked == port + 1))
            if source >= 0:
                taken = trace.branches[source][branch]
                assert steps.cycles[pops].tolist() == taken.tolist()


@pytest.mark.parametrize("name", NETWORKS)
def test_beats_are_taken_in_the_steps_that_take_them(name: str) -> None:
    network = small_network(name)
    check(Pipeline(network, smallest_plan(network)), 2)


def test_joins_and_forks() -> None:
    network = residual_network()
    pipeline = Pipeline(network, smallest_plan(network))
    check(pipeline, 2)
    check(pipeline, 2, 3 * pipeline.interval_cycles)


def test_what_a_step_waits_for() -> None:
    """A slow taker makes the giver wait for room, and a late one waits for input."""
    flags = np.array([TAKE | GIVE] * 2, np.uint8)
    giver = Process("giver", flags)
    slow = Process("slow", np.array([TAKE, 0, 0, GIVE] * 2, np.uint8))
    trace = run([giver, slow], 1)
    first, second = step_cycles([giver, slow], trace)
    assert first.cycles.tolist() == [0, 1]
    assert second.cycles.tolist() == [1, 2, 3, 4, 5, 6, 7, 8]
    assert second.for_input.tolist() == [1, 0, 0, 0, 0, 0, 0, 0]
    trace = run([giver, slow], 2)
    first, second = step_cycles([giver, slow], trace)
    assert first.for_room.sum() > 0
    assert first.for_input.sum() == 0
    assert (WAIT | RESERVE | PUSH) & flags[0]
