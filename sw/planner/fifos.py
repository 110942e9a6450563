"""FIFO depths: the least that let every stage run at its own rate.

With FIFOs that never fill and frames that come every T cycles, T being the interval of the slowest
stage, the cycle model gives the cycle of every beat. The most beats that a FIFO holds then is a
depth that suffices: with FIFOs of that depth every beat moves in the same cycle, and where frames
come sooner no beat moves later. Most can be shorter still, as room in one makes up for another:
each is cut in trials as far as the interval stays the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from subbit.boards import Board
from subbit.hw.streams.fifo import FifoUnit
from subbit.hw.streams.fork import ForkUnit
from subbit.sw.cycles.fast import Timing, measure
from subbit.sw.cycles.model import Feed, Process
from subbit.sw.ir.network import Network
from subbit.sw.lower.graph import Edge, edges, forks
from subbit.sw.lower.pipeline import Pipeline, Step
from subbit.sw.lower.plan import Plan
from subbit.sw.lower.stages.stage import Stage

__all__ = ["LADDER", "Fitted", "fit_fifos", "ladder_of"]

FRAMES = 8
FEW_FRAMES = 4
LADDER = (0, 2, 16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 4096)
FEW_PLACES = (0, 2, 4, 8, *LADDER[2:])  # where each place takes registers
TRIAL_STEPS = 150_000_000  # of the model, about three seconds, on cutting depths


@dataclass(frozen=True)
class Fitted:
    """A plan with its FIFOs, and its cycles by the model."""

    plan: Plan
    timing: Timing


class FifoTrials:
    """The processes of a plan's steps, with FIFOs of any depth in their places; ``ladder``: the
    depths that are tried.
    """

    def __init__(
        self, steps: Sequence[Step], least: Mapping[int, int], ladder: Sequence[int]
    ) -> None:
        self.steps, self.least, self.ladder = steps, least, ladder
        self.fifos = [k for k, step in enumerate(steps) if k in least]
        self.fixed = {k: step.unit.processes() for k, step in enumerate(steps) if k not in least}
        self.size = sum(len(p.steps) for row in self.fixed.values() for p in row)

    def processes(
        self, depths: Mapping[int, int]
    ) -> tuple[list[Process], list[tuple[Feed, ...]], dict[int, int]]:
        """Processes, what each reads, and the process of each FIFO; a depth of 0 is none."""
        found: list[Process] = []
        feeds: list[tuple[Feed, ...]] = []
        ends: list[Feed] = []
        places: dict[int, int] = {}
        for k, step in enumerate(self.steps):
            sources = tuple(self.end(ends, feed) for feed in step.feeds)
            if k in self.least and not depths[k]:
                ends.append(sources[0])
                continue
            places[k] = len(found)
            for process in self.made(k, depths):
                feeds.append(sources)
                sources = ((len(found), 0),)
                found.append(process)
            ends.append(sources[0])
        return found, feeds, places

    @staticmethod
    def end(ends: Sequence[Feed], feed: Feed) -> Feed:
        """The stream that a step reads: a branch of another step, or the input."""
        step, branch = feed
        if step < 0:
            return feed
        process, first = ends[step]
        return process, branch or first

    def made(self, k: int, depths: Mapping[int, int]) -> Sequence[Process]:
        """The processes of a step."""
        if k not in self.least:
            return self.fixed[k]
        unit = self.steps[k].unit
        assert isinstance(unit, FifoUnit)
        return replace(unit, depth=depths[k]).processes()

    def timing(
        self, depths: Mapping[int, int], frames: int = FRAMES, period: int = 0, log: bool = False
    ) -> Timing:
        """The cycles with those depths; with ``log``, ``held`` is by step."""
        processes, feeds, places = self.processes(depths)
        watched = [places[k] for k in self.fifos if k in places] if log else []
        timing = measure(processes, frames, feeds, period, watched)
        return replace(timing, held={k: timing.held[places[k]] for k in self.fifos} if log else {})


def fit_fifos(
    network: Network,
    stages: Sequence[Stage],
    cycles: int,
    device: str | None = None,
    memories: Mapping[str, str] | None = None,
    ladder: Sequence[int] = LADDER,
) -> Fitted:
    """The plan of those stages with the least FIFOs that keep an interval of ``cycles``, or the
    least interval there is if that is more.

    The depth that a stage comes with is its least. ``device``, ``memories``: the plan's;
    ``ladder``: depths that cost different, ascending.
    """
    kept = tuple((memories or {}).items())
    streams = edges(network, [stage.layers for stage in stages])
    branches = forks(streams)
    queues = [edge.name for readers in branches.values() for edge in readers]
    unbounded = Plan(
        network.digest,
        tuple(replace(stage, fifo=1 << 20) for stage in stages),
        tuple((name, 1 << 20) for name in queues),
        device,
        kept,
    )
    steps = list(unchecked(network, unbounded).build())
    names = {
        k: fifo_name(steps, step, branches)
        for k, step in enumerate(steps)
        if isinstance(step.unit, FifoUnit)
    }
    floors = {stage.layers[0]: stage.fifo for stage in stages}
    line = FifoTrials(steps, {k: floors.get(name, 0) for k, name in names.items()}, ladder)
    depths, timing = fitted(line, cycles)
    chosen = {names[k]: depth for k, depth in depths.items()}
    plan = Plan(
        network.digest,
        tuple(replace(stage, fifo=chosen[stage.layers[0]]) for stage in stages),
        tuple((name, chosen[name]) for name in queues),
        device,
        kept,
    )
    return Fitted(plan, timing)


def ladder_of(board: Board) -> Sequence[int]:
    """The depths that cost different on a board."""
    return LADDER if board.family.has_lut_rams else FEW_PLACES


def unchecked(network: Network, plan: Plan) -> Pipeline:
    """A pipeline of which nothing but the steps is worked out."""
    pipeline = Pipeline.__new__(Pipeline)
    object.__setattr__(pipeline, "network", network)
    object.__setattr__(pipeline, "plan", plan)
    return pipeline


def fifo_name(steps: Sequence[Step], fifo: Step, branches: Mapping[str, Sequence[Edge]]) -> str:
    """The stage behind which a FIFO stands, by its first layer, or the stream that it is in."""
    giver, branch = fifo.feeds[0]
    if giver >= 0 and isinstance(steps[giver].unit, ForkUnit):
        return branches[steps[giver].name.removesuffix("_fork")][branch].name
    return fifo.stage.layers[0]


def fitted(line: FifoTrials, cycles: int) -> tuple[dict[int, int], Timing]:
    """Depths by step, and the cycles with them."""
    frames = FRAMES if line.size * FRAMES < TRIAL_STEPS else FEW_FRAMES
    least = dict(line.least)
    try:
        timing = line.timing(least, frames)
        if timing.interval_cycles <= cycles:
            return least, timing
    except ValueError:  # a fork and a join wait for each other
        pass
    free = {k: max(2, 2 * line.steps[k].unit.i_beats) for k in line.fifos}
    interval = max(cycles, line.timing(free, frames).interval_cycles)
    held = line.timing(free, frames, period=interval, log=True).held
    least_held = {k: max(held[k], line.least[k]) if held[k] > 2 else 2 for k in line.fifos}
    depths = {k: rung(depth, line.ladder) for k, depth in least_held.items()}
    timing = line.timing(depths, frames)
    if timing.interval_cycles > interval:  # the timetable's input came too late for a part of it
        depths = {k: rung(2 * depth, line.ladder) for k, depth in depths.items()}
        timing = line.timing(depths, frames)
    return cut(line, depths, timing, max(cycles, timing.interval_cycles), frames)


def cut(
    line: FifoTrials, depths: dict[int, int], timing: Timing, most: int, frames: int
) -> tuple[dict[int, int], Timing]:
    """Depths and cycles after each FIFO was shortened, the most expensive first, as far as the
    interval is at most ``most``.
    """
    trials = TRIAL_STEPS // max(1, line.size * frames)
    order = sorted(line.fifos, key=lambda k: -depths[k] * line.steps[k].unit.o.width)
    for k in order:
        rungs = [d for d in line.ladder if line.least[k] <= d < depths[k]]
        while rungs and trials > 0:
            trials -= 1
            middle = (len(rungs) - 1) // 2
            trial = depths | {k: rungs[middle]}
            found = timed(line, trial, frames)
            if found and found.interval_cycles <= most:
                depths, timing, rungs = trial, found, rungs[:middle]
            else:
                rungs = rungs[middle + 1 :]
    return depths, timing


def timed(line: FifoTrials, depths: Mapping[int, int], frames: int) -> Timing | None:
    """The cycles with those depths, or None where the pipeline deadlocks."""
    try:
        return line.timing(depths, frames)
    except ValueError:
        return None


def rung(depth: int, ladder: Sequence[int]) -> int:
    """The next depth of the ladder."""
    above = [step for step in ladder if step >= depth]
    return above[0] if above else 1 << (depth - 1).bit_length()
