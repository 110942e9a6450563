"""The queues that balance the paths between a fork and a join; see docs/how-it-works/graphs.md."""

from collections.abc import Mapping, Sequence

from subbit.hw.contract.unit import Unit
from subbit.sw.cycles.fast import Timing, measure
from subbit.sw.ir.limits import MAX_QUEUE_BEATS
from subbit.sw.lower.graph import Edge
from subbit.sw.lower.stages.stage import Stage
from subbit.sw.lower.wiring import Step, Wires, flow

__all__ = ["Balancer"]

FEW_FRAMES, MANY_FRAMES = 4, 12  # to settle in, beside those that are under way at once
TRIAL_STEPS = 10_000_000  # of the model in a trial, about a quarter of a second
FRAMES_HELD = 4  # of a queue that never fills: more than any path is ahead of the others
TRIES = 64  # of an interval


class Balancer:
    """Finds the least depths of the queues behind forks that cost no rate.

    ``stages``: each stage with its units, in order; ``edges``: the streams that each reads;
    ``memories``: where FIFOs live, see Plan.

    The goal is the interval that queues of any depth reach, in whole cycles. Depths are enough if
    frames that come ``interval`` cycles apart are ``interval`` cycles apart at every process, once
    the pipeline has settled: then it goes on so for ever. Frames that come sooner only make beats
    move sooner, and so does a deeper queue: the search may halve its way.
    """

    def __init__(
        self,
        stages: Sequence[tuple[Stage, list[tuple[str, Unit]]]],
        edges: Mapping[str, Sequence[Edge]],
        memories: Mapping[str, str],
    ) -> None:
        self._stages, self._edges, self._memories = stages, edges, memories
        self._frames = MANY_FRAMES
        self.interval = 0

    def depths(self, names: Sequence[str], stated: Mapping[str, int]) -> dict[str, int]:
        """The depth of each queue named; ``stated`` ones stay as they are.

        No other can be made smaller without losing rate. Raises ValueError where stated ones are
        too short for anything to move.
        """
        free = [name for name in names if name not in stated]
        unbounded = self.any_depth(names) | dict(stated)
        self.set_goal(unbounded)
        held = self.timing(unbounded, self.interval, free)[1]
        found = unbounded | {name: min(held[name], unbounded[name]) for name in free}
        while not self.enough(found):
            found |= {name: min(2 * found[name], unbounded[name]) for name in free}
        # Those that may go altogether first: a queue left out makes its path shorter.
        for name in sorted(free, key=lambda name: found[name]):
            found[name] = self.least(found, name)
        return found

    def any_depth(self, names: Sequence[str]) -> dict[str, int]:
        """Depths that never fill: some frames of each stream."""
        steps, wires = self.wired(dict.fromkeys(names, 1))
        beats = {name: steps[at].unit.o_beats for name, at in wires.queue_steps.items()}
        return {name: min(FRAMES_HELD * beats[name] + 64, MAX_QUEUE_BEATS) for name in names}

    def set_goal(self, unbounded: Mapping[str, int]) -> None:
        """Find the interval that queues of any depth reach."""
        steps = sum(len(process.steps) for process in flow(self.wired(unbounded)[0])[0])
        self._frames = min(max(TRIAL_STEPS // steps, FEW_FRAMES), MANY_FRAMES)
        timing = self.timing(unbounded)[0]
        self.interval = timing.interval_cycles
        self._frames += -(-timing.latency_cycles // self.interval)
        for _ in range(TRIES):  # it may be no whole number of cycles
            if self.enough(unbounded):
                return
            self.interval += 1 + self.interval // 1024
        raise ValueError("the pipeline does not settle")

    def least(self, found: Mapping[str, int], name: str) -> int:
        """The least depth of one queue beside those ``found``, itself one that is enough."""

        def enough(depth: int) -> bool:
            return self.enough({**found, name: depth})

        if enough(0):
            return 0
        low, high = 0, found[name]
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if enough(middle) else (middle, high)
        return high

    def enough(self, depths: Mapping[str, int]) -> bool:
        """Whether frames pass at the interval that is the goal."""
        try:
            return self.timing(depths, self.interval)[0].gaps == {self.interval}
        except ValueError:  # stuck
            return False

    def wired(self, depths: Mapping[str, int]) -> tuple[list[Step], Wires]:
        """All steps with queues of these depths, and where the queues are."""
        wires = Wires(self._edges, depths, self._memories)
        return [step for row in self._stages for step in wires.stage(*row)], wires

    def timing(
        self, depths: Mapping[str, int], period: int = 0, log: Sequence[str] = ()
    ) -> tuple[Timing, dict[str, int]]:
        """When frames end with these queues, and the most beats in those named by ``log``."""
        steps, wires = self.wired(depths)
        processes, feeds, ends = flow(steps)
        queues = {name: first_of(ends, wires.queue_steps[name]) for name in log}
        timing = measure(processes, self._frames, feeds, period, list(queues.values()))
        return timing, {name: timing.held[at] for name, at in queues.items()}


def first_of(ends: Sequence[int], step: int) -> int:
    """The first process of a step; ``ends``: the last one of each."""
    return ends[step - 1] + 1 if step else 0
