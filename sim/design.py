"""What can be simulated, a unit or a whole network, with what is known of each stream."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from subbit.hw.contract.cost import Cost
from subbit.hw.contract.unit import Beats, Lanes, Unit
from subbit.hw.streams.fifo import FifoUnit
from subbit.hw.streams.fork import ForkUnit
from subbit.hw.streams.width import DownsizeUnit, UpsizeUnit
from subbit.sw.cycles import FRAME_INPUT, Feed, Process, Trace, run
from subbit.sw.cycles.model import POP, PUSH
from subbit.sw.ir.types import TensorType
from subbit.sw.lower.pipeline import Pipeline, Step

__all__ = ["Design", "Watched", "WholePipeline", "network_design", "unit_design"]

INPUT_STREAM, OUTPUT_STREAM = "i", "o"

# A tensor: the layer that makes it, or ``input``, and its type.
Carried = tuple[str, TensorType]


@dataclass(frozen=True, eq=False)
class Watched:
    """The output stream of a unit in its place.

    ``port``: its name in the test bench; ``layer``: the layer, or joined by '+' the layers, whose
    result it is or that it serves; ``process``: which of the design's processes gives the stream,
    on which ``branch`` of its output. ``sources``: the numbers of the streams that the unit reads,
    -1 for the design's input; without, the stream before.
    ``tensor``: the type of the tensor whose elements the beats carry in order, or None; ``golden``:
    the layer that makes this tensor. ``pixels``: rows and columns of the output of the unit's
    stage, in whose order the beats come.
    """

    name: str
    port: str
    unit: Unit
    layer: str
    process: int
    tensor: TensorType | None = None
    golden: str | None = None
    pixels: tuple[int, int] = (1, 1)
    branch: int = 0
    sources: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class Design:
    """A component with its input and output stream, and the model that it is held to.

    ``taps``: the streams inside it that are watched; ``watched``: the output streams of its units
    in order, the last of them its own. ``flow``: the processes of all units and the streams that
    each reads; without, those of the watched streams' units as one chain.
    """

    name: str
    component: Any
    taps: dict[str, Any]
    watched: tuple[Watched, ...]
    flow: tuple[Sequence[Process], Sequence[Sequence[Feed]]] | None = None

    @property
    def processes(self) -> list[Process]:
        """The processes of all units."""
        if self.flow:
            return list(self.flow[0])
        return [process for stream in self.watched for process in stream.unit.processes()]

    def trace(self, frames: int) -> Trace:
        """The cycles in which all beats move where nothing outside holds them up."""
        if not self.flow and len(self.watched) == 1:
            return self.watched[0].unit.trace(frames)
        return run(self.processes, frames, self.flow[1] if self.flow else None)

    @property
    def i(self) -> Lanes:
        """Payload of the input stream."""
        return self.watched[0].unit.i

    @property
    def payload_delays(self) -> dict[str, int]:
        """By port, the cycles that a stream's payload comes behind its handshake, where any."""
        cycles = {stream.port: stream.unit.o_payload_delay for stream in self.watched}
        cycles[INPUT_STREAM] = self.watched[0].unit.i_payload_delay
        return {port: payload_delays for port, payload_delays in cycles.items() if payload_delays}

    @property
    def beats(self) -> dict[str, int]:
        """By port, the beats of its stream per frame."""
        counts = {stream.port: stream.unit.o_beats for stream in self.watched}
        return counts | {INPUT_STREAM: self.i_beats}

    @property
    def silence_cycles(self) -> int:
        """The longest time without any beat while nothing outside holds the design up.

        Then some process goes through steps that move none, or a beat is on its way: no longer than
        all the steps of a frame and all latencies, one after another.
        """
        return sum(len(process.steps) + process.latency for process in self.processes)

    @property
    def fold_cycles(self) -> int:
        """The longest time that one process takes from one beat to the next, or to the output."""
        return max(longest_fold(process) for process in self.processes)

    @property
    def i_beats(self) -> int:
        """Input beats per frame."""
        return self.watched[0].unit.i_beats

    @property
    def o_beats(self) -> int:
        """Output beats per frame."""
        return self.watched[-1].unit.o_beats


@dataclass(frozen=True, eq=False)
class WholePipeline(Unit):
    """A whole pipeline seen from outside, as if it were one unit."""

    component: ClassVar[str] = "subbit.hw.design.accelerator:Accelerator"
    pipeline: Pipeline

    @property
    def i(self) -> Lanes:
        """Payload of the first unit's input stream."""
        return self.pipeline.i

    @property
    def o(self) -> Lanes:
        """Payload of the last unit's output stream."""
        return self.pipeline.o

    def load_component(self) -> Any:
        """What makes the accelerator of a WholePipeline."""
        component = super().load_component()
        return lambda unit: component(pipeline=unit.pipeline)

    def processes(self) -> tuple[Process, ...]:
        """Those of all units."""
        return self.pipeline.processes

    def trace(self, frames: int) -> Trace:
        """The cycles of all units."""
        return self.pipeline.cycles(frames)

    def reference(self, beats: Beats) -> Beats:
        """The units' references one after another."""
        return self.pipeline.reference(beats)[-1]

    def cost(self) -> Cost:
        """The sum of the units'."""
        return sum((step.unit.cost() for step in self.pipeline.steps), Cost())


def longest_fold(process: Process) -> int:
    """The most steps of a process between two that move a beat, and its latency."""
    moves = np.flatnonzero(process.steps & (POP | PUSH))
    if not len(moves):
        return len(process.steps) + process.latency
    around = np.append(moves, moves[0] + len(process.steps))
    return int(np.diff(around).max()) + process.latency


def unit_design(name: str, unit: Unit) -> Design:
    """A unit alone."""
    process = len(unit.processes()) - 1
    watched = Watched(name, OUTPUT_STREAM, unit, unit.kind(), process)
    return Design(name, unit.load_component()(unit=unit), {}, (watched,))


def network_design(name: str, pipeline: Pipeline, component: Any = None) -> Design:
    """The accelerator of a pipeline, or ``component`` in its place, with the same ``taps``."""
    from subbit.hw.design.accelerator import Accelerator, tap_name

    component = component or Accelerator(pipeline=pipeline)
    last = pipeline.steps[-1].name
    taps = {key: tap for key, tap in component.taps.items() if key != last}
    watched: list[Watched] = []
    carried: list[Carried] = []
    numbers: dict[Feed, int] = {FRAME_INPUT: -1}
    for number, step in enumerate(pipeline.steps):
        source = carried[step.feeds[0][0]] if step.feeds != (FRAME_INPUT,) else None
        tensor, stream = watch(pipeline, step, source or ("input", pipeline.network.input_type))
        carried.append(tensor)
        sources = tuple(numbers[feed] for feed in step.feeds)
        for branch in range(len(step.unit.outputs)):
            numbers[number, branch] = len(watched)
            tap = tap_name(step, branch)
            port = OUTPUT_STREAM if tap == last else tap
            watched.append(replace(stream, name=tap, port=port, branch=branch, sources=sources))
    return Design(name, component, taps, tuple(watched), (pipeline.processes, pipeline.feeds))


def watch(pipeline: Pipeline, step: Step, carried: Carried) -> tuple[Carried, Watched]:
    """The tensor that the streams behind ``step`` carry, and its (first) output stream;
    ``carried``: that in front of it.
    """
    types = pipeline.network.types
    same = isinstance(step.unit, UpsizeUnit | DownsizeUnit | FifoUnit | ForkUnit) and holds(
        step.unit, carried[1]
    )
    if step.tensor:
        carried = step.tensor, types[step.tensor]
    whole = (same or step.tensor is not None) and holds(step.unit, carried[1])
    behind = types[step.stage.layers[-1]]
    head = step.stage.layers[0]
    return carried, Watched(
        name=step.name,
        port=step.name,
        unit=step.unit,
        layer="+".join(step.stage.layers) if step.tensor else carried[0] if whole else head,
        process=pipeline.outputs[step.name],
        tensor=carried[1] if whole else None,
        golden=step.tensor,
        pixels=(behind.height, behind.width),
    )


def holds(unit: Unit, tensor: TensorType) -> bool:
    """Whether the unit's output stream has as many elements as the tensor."""
    return unit.o_beats * unit.o.lanes == tensor.elements
