"""The steps of a pipeline: each unit in its place, with width changes, forks and queues between
stages.
"""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from math import lcm

from subbit.hw.contract.unit import Lanes, Unit
from subbit.hw.streams.fifo import FifoUnit
from subbit.hw.streams.fork import ForkUnit
from subbit.hw.streams.width import DownsizeUnit, UpsizeUnit
from subbit.sw.cycles import FRAME_INPUT, Feed, Process
from subbit.sw.ir.network import INPUT
from subbit.sw.lower.graph import Edge
from subbit.sw.lower.stages.stage import Stage

__all__ = ["Step", "Wires", "flow"]


@dataclass(frozen=True, eq=False)
class Step:
    """A unit in its place: its name in the hierarchy, the stage it belongs to, and, where its
    output stream is the tensor of a layer, the name of that layer.

    ``feeds``: for each of its input streams the step that gives it, by number, and which of that
    step's output streams it is; ``FRAME_INPUT`` is the stream of frames.
    """

    name: str
    unit: Unit
    stage: Stage
    tensor: str | None = None
    feeds: tuple[Feed, ...] = (FRAME_INPUT,)


@dataclass(frozen=True)
class End:
    """A stream that waits for its reader: where it comes from, what it carries, beats a frame."""

    feed: Feed
    lanes: Lanes
    beats: int


Steps = Generator[Step, None, End]


class Wires:
    """Makes the steps of one stage after the other, and keeps the streams that wait for readers.

    ``edges``: the streams that each stage reads, by its first layer; ``queues``: the depth of the
    FIFO in those behind a fork, by name; ``memories``: where FIFOs live, see Plan. As steps are
    made, ``forks`` gets for each of these streams the number of the fork and of its branch, and
    ``queue_steps`` the number of the FIFO.
    """

    def __init__(
        self,
        edges: Mapping[str, Sequence[Edge]],
        queues: Mapping[str, int],
        memories: Mapping[str, str],
    ) -> None:
        self._edges, self._queues, self._memories = edges, queues, memories
        self.forks: dict[str, Feed] = {}
        self.queue_steps: dict[str, int] = {}
        self._ends: dict[str, End] = {}
        self._made = 0

    def stage(self, stage: Stage, units: Sequence[tuple[str, Unit]]) -> Generator[Step, None, None]:
        """The units of a stage, behind what they read and in front of what reads them."""
        head = stage.layers[0]
        ends: list[End] = []
        first = units[0][1]
        read = zip(self._edges[head], first.inputs.values(), strict=True)
        for port, (edge, lanes) in enumerate(read):
            if edge.name not in self._ends:  # the stream of frames, in its first reader's lanes
                frames = End(FRAME_INPUT, lanes, first.beats_of(port))
                yield from self.handed_on(INPUT, frames, stage)
            ends.append((yield from self.fitted(self._ends.pop(edge.name), lanes, head, stage)))
        for position, (suffix, unit) in enumerate(units):
            if position:
                ends = [(yield from self.fitted(ends[0], unit.i, head, stage))]
            tensor = stage.layers[-1] if position == len(units) - 1 else None
            step = Step(f"{head}_{suffix}", unit, stage, tensor, tuple(end.feed for end in ends))
            ends = [(yield from self.placed(step))]
        end = ends[0]
        if stage.fifo:
            unit = self.fifo(head, end, stage.fifo)
            end = yield from self.placed(Step(f"{head}_fifo", unit, stage, feeds=(end.feed,)))
        yield from self.handed_on(stage.layers[-1], end, stage)

    def placed(self, step: Step) -> Steps:
        """One step; the end of its (first) output stream."""
        yield step
        self._made += 1
        return End((self._made - 1, 0), step.unit.o, step.unit.o_beats)

    def fifo(self, name: str, end: End, depth: int) -> FifoUnit:
        """The FIFO of that name behind ``end``."""
        memory = self._memories.get(name, "auto")
        return FifoUnit(element=end.lanes, depth=depth, beats=end.beats, memory=memory)

    def fitted(self, end: End, lanes: Lanes, head: str, stage: Stage) -> Steps:
        """The width changes that lead from ``end`` to a stream of ``lanes``."""
        o, beats = end.lanes, end.beats
        assert (o.bits, o.signed) == (lanes.bits, lanes.signed), f"{o} does not fit {lanes}"
        whole = lcm(o.lanes, lanes.lanes)
        if whole > o.lanes:
            unit: Unit = UpsizeUnit(element=o, ratio=whole // o.lanes, beats=beats)
            end = yield from self.placed(Step(f"{head}_upsize", unit, stage, feeds=(end.feed,)))
            beats //= whole // o.lanes
        if whole > lanes.lanes:
            unit = DownsizeUnit(
                element=Lanes(whole, o.bits, o.signed), ratio=whole // lanes.lanes, beats=beats
            )
            end = yield from self.placed(Step(f"{head}_downsize", unit, stage, feeds=(end.feed,)))
        return end

    def handed_on(self, tensor: str, end: End, stage: Stage) -> Generator[Step, None, None]:
        """Give ``end`` to the readers of the tensor that it carries, through a fork if several."""
        readers = [edge for sources in self._edges.values() for edge in sources]
        readers = [edge for edge in readers if edge.tensor == tensor]
        if len(readers) < 2:
            self._ends |= {edge.name: end for edge in readers}
            return
        unit = ForkUnit(element=end.lanes, branches=len(readers), beats=end.beats)
        fork = yield from self.placed(Step(f"{tensor}_fork", unit, stage, feeds=(end.feed,)))
        for branch, edge in enumerate(readers):
            end = End((fork.feed[0], branch), fork.lanes, fork.beats)
            self.forks[edge.name] = end.feed
            if depth := self._queues[edge.name]:
                self.queue_steps[edge.name] = self._made
                queue = self.fifo(edge.name, end, depth)
                step = Step(f"{edge.reader}_queue", queue, stage, feeds=(end.feed,))
                end = yield from self.placed(step)
            self._ends[edge.name] = end


def flow(steps: Sequence[Step]) -> tuple[list[Process], list[tuple[Feed, ...]], list[int]]:
    """The processes of all steps, the streams that each reads, and for each step the number of the
    process that gives its output.
    """
    processes: list[Process] = []
    feeds: list[tuple[Feed, ...]] = []
    ends: list[int] = []
    for step in steps:
        chain = step.unit.processes()
        first = len(processes)
        feeds.append(
            tuple((ends[s], branch) if s >= 0 else FRAME_INPUT for s, branch in step.feeds)
        )
        feeds += [((first + k, 0),) for k in range(len(chain) - 1)]
        processes += chain
        ends.append(len(processes) - 1)
    return processes, feeds, ends
