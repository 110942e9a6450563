"""The comparison, on records made by hand: every kind of difference, and where it is said to be."""

from pathlib import Path

import numpy as np
import pytest

from subbit.hw.contract.unit import Beats, Lanes
from subbit.hw.streams.width import DownsizeUnit, UpsizeUnit
from subbit.sim.compare import Comparison, compare
from subbit.sim.design import Design, Watched
from subbit.sim.testbench import CYCLE_DIGITS
from subbit.sw.cycles import run
from subbit.sw.ir.types import TensorType

FRAMES = 2
# A tensor of 2x3 pixels of 4 channels, 2 a beat, joined to whole pixels and split again.
TENSOR = TensorType.codes(2, 3, 4, 4)
UP = UpsizeUnit(element=Lanes(2, 4), ratio=2, beats=12)
DOWN = DownsizeUnit(element=UP.o, ratio=4, beats=6)
WATCHED = (
    Watched("join", "join", UP, "act1", 0, TENSOR, "act1"),
    Watched("split", "o", DOWN, "act1", 1, TENSOR),
)
DESIGN = Design("design", None, {}, WATCHED)
INPUTS = np.random.default_rng(2).integers(0, 16, (FRAMES * 12, 2))
TRACE = run(DESIGN.processes, FRAMES)


class Recording:
    """Right records, to be made wrong."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        joined = UP.reference(INPUTS)
        self.beats = {"join": joined.copy(), "o": DOWN.reference(joined).copy()}
        self.cycles = {"join": TRACE.taken[0].copy(), "o": TRACE.taken[1].copy()}

    def compare(self, exact: bool = True, golden: Beats | None = None) -> Comparison:
        """Write the records and compare them."""
        for port, beats in self.beats.items():
            rows = [
                f"{cycle:0{CYCLE_DIGITS}x} {''.join(f'{e:x}' for e in beat[::-1])}\n"
                for cycle, beat in zip(self.cycles[port].tolist(), beats.tolist(), strict=True)
            ]
            (self.folder / f"{port}.rec").write_text("".join(rows))
        frames = None if golden is None else golden.reshape(FRAMES, *TENSOR.shape)
        tensors = None if frames is None else (lambda frame: {"act1": frames[frame]})
        return compare(DESIGN, self.folder, INPUTS, TRACE if exact else None, tensors)

    def remove(self, port: str, beat: int) -> None:
        """Lose a beat."""
        self.beats[port] = np.delete(self.beats[port], beat, 0)
        self.cycles[port] = np.delete(self.cycles[port], beat)


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    return Recording(tmp_path)


def test_nothing_wrong(recording: Recording) -> None:
    found = recording.compare(golden=INPUTS)
    assert (found.mismatches, found.first) == (0, None)
    np.testing.assert_array_equal(np.concatenate(found.outputs), INPUTS.reshape(-1, 1))
    np.testing.assert_array_equal(np.concatenate(found.cycles), TRACE.taken[1])


def test_a_wrong_value(recording: Recording) -> None:
    recording.beats["join"][6 + 4, 3] ^= 1
    found = recording.compare()
    value = int(INPUTS.reshape(FRAMES, 2, 3, 4)[1, 1, 1, 3])
    cycle = int(TRACE.taken[0][10])
    assert found.mismatches == 1
    assert str(found.first) == (
        "layer 'act1', stream 'join', frame 1, pixel (1, 1), channel 3: "
        f"expected {value}, got {value ^ 1} (cycle {cycle})"
    )


def test_the_first_stream_of_the_first_frame_counts(recording: Recording) -> None:
    recording.beats["join"][6, 0] ^= 1
    recording.beats["o"][5, 0] ^= 1
    recording.beats["o"][30, 0] ^= 1
    found = recording.compare()
    assert found.mismatches == 3
    assert found.first is not None
    assert (found.first.stream, found.first.frame, found.first.beat) == ("split", 0, 5)
    assert (found.first.y, found.first.x, found.first.channel) == (0, 1, 1)


def test_a_late_beat(recording: Recording) -> None:
    recording.cycles["o"][12:] += 2
    recording.cycles["join"][3:] += 2
    assert recording.compare(exact=False).mismatches == 0
    found = recording.compare()
    first = found.first
    assert found.mismatches == (48 - 12) + (12 - 3)
    assert first is not None
    due = int(TRACE.taken[0][3])
    assert (first.kind, first.stream, first.expected, first.got) == ("cycle", "join", due, due + 2)
    assert f"expected in cycle {due}, came in cycle {due + 2}" in str(first)


def test_missing_beats(recording: Recording) -> None:
    for _ in range(3):
        recording.remove("o", -1)
    found = recording.compare()
    assert found.mismatches == 3
    assert found.first is not None
    assert (found.first.kind, found.first.frame, found.first.beat) == ("missing", 1, 21)
    assert "but no beat came" in str(found.first)
    assert len(found.outputs) == 1


def test_a_lost_beat(recording: Recording) -> None:
    wanted = recording.beats["join"][2:]
    recording.remove("join", 2)
    found = recording.compare(exact=False)
    assert found.first is not None
    assert (found.first.kind, found.first.stream, found.first.frame) == ("value", "join", 0)
    assert found.first.beat == 2 + np.argmax((wanted[1:] != wanted[:-1]).any(axis=1))


def test_one_beat_too_many(recording: Recording) -> None:
    recording.beats["o"] = np.append(recording.beats["o"], [[9]], 0)
    recording.cycles["o"] = np.append(recording.cycles["o"], 99)
    found = recording.compare()
    assert found.mismatches == 1
    assert found.first is not None
    assert (found.first.kind, found.first.frame, found.first.cycle) == ("extra", FRAMES, 99)
    assert "no beat expected, got 9 (cycle 99)" in str(found.first)


def test_a_beat_that_did_not_wait(recording: Recording) -> None:
    cycle = int(recording.cycles["join"][8])
    (recording.folder / "join.fault").write_text(f"{cycle:08x}\n{cycle + 1:08x}\n")
    found = recording.compare()
    assert found.mismatches == 2
    assert found.first is not None
    assert (found.first.kind, found.first.frame, found.first.beat) == ("unstable", 1, 2)
    assert (found.first.y, found.first.x, found.first.cycle) == (0, 2, cycle)


def test_a_unit_that_disagrees_with_the_golden_model(recording: Recording) -> None:
    golden = INPUTS.copy()
    golden[12 + 3, 1] ^= 1
    found = recording.compare(golden=golden)
    assert found.mismatches == 2  # the reference, and the RTL that follows it
    assert found.first is not None
    assert (found.first.kind, found.first.frame) == ("model", 1)
    assert (found.first.y, found.first.x, found.first.channel) == (0, 1, 3)
    assert "the golden model says" in str(found.first)
