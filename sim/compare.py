"""Compares what was recorded with what was expected: values and cycles of every beat."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subbit.hw.contract.unit import Beats
from subbit.sim.design import INPUT_STREAM, Design, Watched
from subbit.sim.records import Record, read_faults
from subbit.sw.cycles import Trace

__all__ = ["Comparison", "Difference", "compare"]

Golden = Callable[[int], dict[str, NDArray[Any]]]
SAYING = {
    "value": "expected {expected}, got {got}",
    "cycle": "expected in cycle {expected}, came in cycle {got}",
    "missing": "expected {expected}, but no beat came",
    "extra": "no beat expected, got {got}",
    "unstable": "a beat on offer was withdrawn or changed before it was taken",
    "model": "the golden model says {expected}, the unit's own reference {got}",
}


@dataclass(frozen=True)
class Difference:
    """One place in which the RTL, or a model of it, differs from what is expected.

    ``kind``: a key of SAYING. ``layer``, ``frame``, ``y``, ``x`` and ``channel`` name the element;
    in a stream that carries no tensor (windows, repeated vectors) ``y`` and ``x`` are the output
    pixel that the beat belongs to, and ``channel`` is the lane. ``cycle`` is the one in which the
    beat was taken, or None where none was.
    """

    kind: str
    stream: str
    layer: str
    frame: int
    beat: int
    y: int
    x: int
    channel: int
    expected: int | None
    got: int | None
    cycle: int | None

    def __str__(self) -> str:
        when = "" if self.cycle is None else f" (cycle {self.cycle})"
        return (
            f"layer {self.layer!r}, stream {self.stream!r}, frame {self.frame}, pixel "
            f"({self.y}, {self.x}), channel {self.channel}: "
            f"{SAYING[self.kind].format(expected=self.expected, got=self.got)}{when}"
        )


@dataclass
class Comparison:
    """``mismatches``: elements and cycles that differ; ``first``: where the trouble begins.

    ``outputs``: the output beats of the frames that came whole ``(n, beats, lanes)``, and their
    ``cycles`` ``(n, beats)``.
    """

    mismatches: int = 0
    first: Difference | None = None
    outputs: list[Beats] = field(default_factory=list)
    cycles: list[NDArray[np.int64]] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class Stretch:
    """One frame of one stream: what was expected and what came."""

    stream: Watched
    frame: int
    expected: Beats
    got: Beats
    due: NDArray[np.int64] | None
    cycles: NDArray[np.int64]

    def difference(self, kind: str, beat: int, lane: int, expected: Any, got: Any) -> Difference:
        """The difference at a beat and lane of this frame."""
        y, x, channel = place(self.stream, beat, lane)
        came = int(self.cycles[beat]) if beat < len(self.cycles) else None
        return Difference(
            *(kind, self.stream.name, self.stream.layer, self.frame, int(beat), y, x, channel),
            expected=None if expected is None else int(expected),
            got=None if got is None else int(got),
            cycle=came,
        )

    def differences(self) -> Iterator[tuple[int, Difference]]:
        """The first difference of each kind, with the number of its kind."""
        count = len(self.got)
        wrong = np.argwhere(self.expected[:count] != self.got)
        if len(wrong):
            beat, lane = wrong[0]
            pair = self.expected[beat, lane], self.got[beat, lane]
            yield len(wrong), self.difference("value", beat, lane, *pair)
        if count < len(self.expected):
            missing = self.expected[count:].size
            yield missing, self.difference("missing", count, 0, self.expected[count, 0], None)
        if self.due is not None:
            moved = np.flatnonzero(self.due[:count] != self.cycles)
            if len(moved):
                beat = moved[0]
                pair = self.due[beat], self.cycles[beat]
                yield len(moved), self.difference("cycle", beat, 0, *pair)


def compare(
    design: Design, folder: Path, inputs: Beats, trace: Trace | None, golden: Golden | None
) -> Comparison:
    """Hold the records in ``folder`` to the design's units, for input beats of whole frames.

    ``trace``: the cycles that every beat must move in, or None to leave them open. ``golden``
    gives the tensors of a frame by layer, which the streams that carry them must match too.
    """
    found = Comparison()
    timing: list[tuple[tuple[int, int], Difference]] = []
    for frame in range(len(inputs) // design.i_beats):
        given = inputs[frame * design.i_beats :][: design.i_beats]
        tensors = golden(frame) if golden else {}
        made: list[Beats] = []
        for position, stream in enumerate(design.watched):
            sources = stream.sources or (position - 1,)
            read = [made[source] if source >= 0 else given for source in sources]
            beats = stream.unit.joined(read)
            made.append(beats)
            expected = as_golden(stream, beats, tensors)
            if not np.array_equal(expected, beats):
                disagree(found, stream, frame, expected, beats)
            stretch = read_stretch(stream, folder, frame, expected, trace)
            for count, difference in stretch.differences():
                found.mismatches += count
                if difference.kind == "cycle":
                    assert difference.expected is not None
                    assert difference.got is not None
                    began = min(difference.expected, difference.got)
                    timing.append(((began, -position), difference))
                else:
                    found.first = found.first or difference
        if len(stretch.got) == len(stretch.expected):
            found.outputs.append(stretch.got)
            found.cycles.append(stretch.cycles)
    check_ends(found, design, folder, len(inputs) // design.i_beats)
    # A stream that stalls delays those before it, in the same cycle or later.
    if found.first is None and timing:
        found.first = min(timing, key=lambda entry: entry[0])[1]
    return found


def read_stretch(
    stream: Watched, folder: Path, frame: int, expected: Beats, trace: Trace | None
) -> Stretch:
    """What was recorded of a frame of a stream, beside what was expected."""
    start, count = frame * len(expected), len(expected)
    record = Record(folder / f"{stream.port}.rec", stream.unit.o)
    got, cycles = record.read(start, count)
    due = trace.branches[stream.process][stream.branch] if trace else None
    due = due[start : start + count] if due is not None else None
    return Stretch(stream, frame, expected, got, due, cycles)


def as_golden(stream: Watched, beats: Beats, tensors: dict[str, NDArray[Any]]) -> Beats:
    """The beats, with the golden model's elements where the stream carries its tensor.

    A tensor smaller than the stream (the class behind the logits) stands at its end.
    """
    if stream.golden is None or stream.golden not in tensors:
        return beats
    tensor = np.asarray(tensors[stream.golden], np.int64).ravel()
    flat = beats.ravel().copy()
    flat[len(flat) - len(tensor) :] = tensor
    return flat.reshape(beats.shape)


def disagree(found: Comparison, stream: Watched, frame: int, expected: Beats, beats: Beats) -> None:
    """Note that a unit's reference is not what the golden model says."""
    wrong = np.argwhere(expected != beats)
    beat, lane = wrong[0]
    nothing = np.zeros(0, np.int64)
    stretch = Stretch(stream, frame, expected, beats, None, nothing)
    found.mismatches += len(wrong)
    pair = expected[beat, lane], beats[beat, lane]
    found.first = found.first or stretch.difference("model", beat, lane, *pair)


def check_ends(found: Comparison, design: Design, folder: Path, frames: int) -> None:
    """Note beats beyond the last frame, and streams that broke their contract."""
    for stream in design.watched:
        record = Record(folder / f"{stream.port}.rec", stream.unit.o)
        wanted = frames * stream.unit.o_beats
        if len(record) > wanted:
            got, cycles = record.read(wanted, 1)
            nothing = np.zeros((0, stream.unit.o.lanes), np.int64)
            stretch = Stretch(stream, frames, nothing, got, None, cycles)
            found.mismatches += (len(record) - wanted) * stream.unit.o.lanes
            found.first = found.first or stretch.difference("extra", 0, 0, None, got[0, 0])
    ports = [(INPUT_STREAM, design.watched[0]), *((s.port, s) for s in design.watched)]
    for port, stream in ports:
        faults = read_faults(folder / f"{port}.fault")
        found.mismatches += len(faults)
        first = found.first
        if faults and (first is None or first.cycle is None or faults[0] <= first.cycle):
            found.first = unstable(stream, port, folder, faults[0])


def unstable(stream: Watched, port: str, folder: Path, cycle: int) -> Difference:
    """A broken contract as a difference: the beat that would have been next in that cycle."""
    beats = stream.unit.i_beats if port == INPUT_STREAM else stream.unit.o_beats
    lanes = stream.unit.i if port == INPUT_STREAM else stream.unit.o
    record = Record(folder / f"{port}.rec", lanes)
    _, cycles = record.read(0, len(record))
    frame, beat = divmod(int(np.searchsorted(cycles, cycle)), beats)
    y, x, _ = place(stream, beat, 0) if port != INPUT_STREAM else (0, 0, 0)
    name = "input" if port == INPUT_STREAM else stream.name
    return Difference("unstable", name, stream.layer, frame, beat, y, x, 0, None, None, cycle)


def place(stream: Watched, beat: int, lane: int) -> tuple[int, int, int]:
    """Row, column and channel of a lane of a beat; see Difference."""
    if stream.tensor is not None:
        rest, channel = divmod(int(beat * stream.unit.o.lanes + lane), stream.tensor.channels)
        return rest // stream.tensor.width, rest % stream.tensor.width, channel
    height, width = stream.pixels
    pixel = int(beat) * height * width // max(stream.unit.o_beats, 1)
    return pixel // width, pixel % width, int(lane)
