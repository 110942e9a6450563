"""The queues that balance the paths between a fork and a join; see docs/graphs.md."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import count

import numpy as np

from subbit.sw.cycles import INPUT, Feed, Trace, run
from subbit.sw.graph import Edge
from subbit.sw.stages.stage import Stage
from subbit.sw.units.unit import Unit
from subbit.sw.wiring import Step, Wires, flow

__all__ = ["Balancer"]

ANY_DEPTH = 1 << 20
SETTLING_FRAMES = 4
DOUBLINGS = 14  # of what is added to the first guess, after which the interval is at fault


class Balancer:
    """Finds the least depths of the queues behind forks that cost no rate.

    ``stages``: each stage with its units, in order; ``edges``: the streams that each reads.

    The goal is the interval that queues of any depth reach, in whole cycles. Depths are enough if,
    with a frame at the input every ``interval`` cycles, every beat of every stream moves exactly
    ``interval`` cycles after the same beat of the frame before. Frames that come sooner only make
    beats move sooner, and so does a deeper queue: the search may halve its way. It starts from what
    is enough between the fork and its join alone, which is quick to find and seldom wrong.
    """

    def __init__(
        self,
        stages: Sequence[tuple[Stage, list[tuple[str, Unit]]]],
        edges: Mapping[str, Sequence[Edge]],
    ) -> None:
        self._stages, self._edges = stages, edges
        self._frames = SETTLING_FRAMES
        self.interval = 0

    def depths(self, names: Sequence[str], stated: Mapping[str, int]) -> dict[str, int]:
        """The depth of each queue named; ``stated`` ones stay as they are.

        No other can be made smaller without losing rate.
        """
        free = [name for name in names if name not in stated]
        found = dict.fromkeys(names, ANY_DEPTH) | dict(stated)
        trace = run_steps(self.wired(found)[0], SETTLING_FRAMES)
        self.interval = trace.interval_cycles
        self._frames = SETTLING_FRAMES + -(-trace.latency_cycles // self.interval)
        for name in free:
            found[name] = self.guess(found, name)
        guess = dict(found)
        for step in count(2):
            if self.enough(found):
                break
            found |= {name: guess[name] + (1 << step) for name in free}
            if step >= DOUBLINGS:  # it is no whole number of cycles, or was still growing
                self.interval += 1 + self.interval // 256
        # Those that may go altogether first: a queue left out makes its path shorter.
        for name in sorted(free, key=lambda name: guess[name]):
            found[name] = self.least(found, name, guess[name])
        return found

    def wired(self, depths: Mapping[str, int]) -> tuple[list[Step], Wires]:
        """All steps with queues of these depths, and where the queues are."""
        wires = Wires(self._edges, depths)
        return [step for row in self._stages for step in wires.stage(*row)], wires

    def enough(self, depths: Mapping[str, int]) -> bool:
        """Whether frames pass at the interval that is the goal."""
        return passes(self.wired(depths)[0], self._frames, self.interval)

    def least(self, found: Mapping[str, int], name: str, guess: int) -> int:
        """The least depth of one queue beside those ``found``, itself one that is enough."""

        def enough(depth: int) -> bool:
            return self.enough({**found, name: depth})

        low, high, step = -1, found[name], 1
        if guess < high:
            low, high = (low, guess) if enough(guess) else (guess, high)
        while high > low + 1:
            middle = max(high - step, (low + high) // 2)
            low, high, step = (low, middle, 4 * step) if enough(middle) else (middle, high, high)
        # A queue of one beat passes one every other cycle; none at all may be better.
        return 0 if (low, high) == (1, 2) and enough(0) else high

    def guess(self, found: Mapping[str, int], name: str) -> int:
        """The least depth of one queue if there were nothing but its fork, its join, and what is
        between them, with an even stream of beats at the fork.
        """

        def enough(depth: int) -> bool:
            steps, wires = self.wired({**found, name: depth})
            local, _ = between(steps, wires.forks[name])
            return passes(local, SETTLING_FRAMES, self.interval, spread=True)

        return 0 if enough(0) else halved(0, self.most(found, name), enough)

    def most(self, depths: Mapping[str, int], name: str) -> int:
        """The most beats that one queue ever holds, alone as above."""
        steps, wires = self.wired(depths)
        local, numbers = between(steps, wires.forks[name])
        trace = run_steps(local, SETTLING_FRAMES, self.interval, spread=True)
        queue = numbers[wires.queue_steps[name]]
        (source, branch), end = local[queue].feeds[0], flow(local)[2][queue]
        given, taken = trace.branches[source][branch], trace.branches[end][0]
        back = np.searchsorted(taken, given - 1, side="right")
        return int((np.arange(1, len(given) + 1) - back).max())


def halved(low: int, high: int, enough: Callable[[int], bool]) -> int:
    """The least number that is enough, where ``low`` is not and ``high`` is."""
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def run_steps(steps: Sequence[Step], frames: int, period: int = 0, spread: bool = False) -> Trace:
    """The cycles of all processes of the steps; raises ValueError where all stands still."""
    processes, feeds, _ = flow(steps)
    return run(processes, frames, feeds, period, spread)


def passes(steps: Sequence[Step], frames: int, interval: int, spread: bool = False) -> bool:
    """Whether the last three frames move ``interval`` cycles apart, beat by beat."""
    try:
        trace = run_steps(steps, frames, interval, spread)
    except ValueError:  # stuck
        return False
    return all(
        bool((np.diff(cycles.reshape(frames, -1)[-3:], axis=0) == interval).all())
        for branches in trace.branches
        for cycles in branches
    )


def between(steps: Sequence[Step], branch: Feed) -> tuple[list[Step], dict[int, int]]:
    """The steps from a fork to where that branch of it first meets another, and their numbers.

    Streams from elsewhere become inputs; streams to elsewhere are left out.
    """
    fork, number = branch
    behind: dict[int, set[int]] = {}
    for at in range(fork + 1, len(steps)):
        found = [{b} if s == fork else behind.get(s, set()) for s, b in steps[at].feeds]
        if any(found):
            behind[at] = set().union(*found)
    meets = min(at for at, branches in behind.items() if number in branches and len(branches) > 1)
    inside = {meets}
    for at in range(meets, fork, -1):
        if at in inside:
            inside |= {s for s, _ in steps[at].feeds if s in behind or s == fork}
    numbers = {at: k for k, at in enumerate(sorted(inside))}
    branches: dict[int, list[int]] = {}
    local = []
    for at in sorted(inside):
        feeds: list[Feed] = []
        for s, b in steps[at].feeds if at != fork else ():
            if s not in numbers:
                continue
            kept = branches.setdefault(s, [])
            kept += [b] if b not in kept else []
            feeds.append((numbers[s], kept.index(b)))
        outside = [INPUT] * (len(steps[at].feeds) - len(feeds))
        local.append(replace(steps[at], feeds=(*feeds, *outside)))
    return local, numbers
