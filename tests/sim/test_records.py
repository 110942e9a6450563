"""Beats on their way through hex files."""

from pathlib import Path

import numpy as np
import pytest

from subbit.hw.contract.unit import Lanes
from subbit.sim.records import Record, read_faults, write_beats


@pytest.mark.parametrize(
    "lanes",
    [
        *(Lanes(1, 1), Lanes(3, 2), Lanes(5, 7, True), Lanes(9, 9), Lanes(1, 48, True)),
        *(Lanes(784, 8), Lanes(3072, 8), Lanes(785, 3), Lanes(1023, 5, True)),  # whole frames
    ],
    ids=str,
)
def test_what_is_written_is_read(lanes: Lanes, tmp_path: Path) -> None:
    low = -(1 << lanes.bits - 1) if lanes.signed else 0
    beats = np.random.default_rng(1).integers(low, low + (1 << lanes.bits), (20, lanes.lanes))
    write_beats(tmp_path / "input.hex", beats, lanes)
    lines = (tmp_path / "input.hex").read_text().splitlines()
    mask = (1 << lanes.bits) - 1
    for line, beat in zip(lines, beats.tolist(), strict=True):
        assert int(line, 16) == sum((e & mask) << lanes.bits * k for k, e in enumerate(beat))
    record = Record(tmp_path / "o.rec", lanes)
    rows = [f"{0xABC + 3 * k:08x} {line}\n" for k, line in enumerate(lines)]
    record.path.write_text("".join(rows))
    assert len(record) == 20
    values, cycles = record.read(5, 100)
    np.testing.assert_array_equal(values, beats[5:])
    np.testing.assert_array_equal(cycles, 0xABC + 3 * np.arange(5, 20))


def test_a_stream_that_never_moved(tmp_path: Path) -> None:
    record = Record(tmp_path / "o.rec", Lanes(2, 3))
    assert len(record) == 0
    values, cycles = record.read(0, 4)
    assert values.shape == (0, 2)
    assert not len(cycles)
    assert read_faults(tmp_path / "o.fault") == []
