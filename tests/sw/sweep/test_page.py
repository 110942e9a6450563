"""The page of a sweep."""

import re
from pathlib import Path

from subbit.sw.sweep.page import write_sweep
from subbit.sw.sweep.run import SweepResult
from tests.sw.report.pages import read

POINT = {
    "network": "x/a.safetensors",
    "board": "icebreaker",
    "fps_wanted": None,
    "lut4_most": 2000,
    "seed": None,
}
GIVEN = {"accuracy": 0.5, "weight_bits": 64, "block_rams": 1, "clock_mhz": 30.0}
ROWS = (
    {**POINT, **GIVEN, "lut4": 100, "fps": 1000.0},
    {**POINT, **GIVEN, "lut4": 150, "fps": 900.0, "accuracy": None},
    {**POINT, **GIVEN, "lut4": 5000, "fps": 123456.0, "network": "x/<b>.safetensors"},
    {**POINT, "fps_wanted": 1e6, "seed": 3, "error": "too small for <i>"},
)


def test_points_are_drawn_and_listed(tmp_path: Path) -> None:
    page = read(write_sweep(SweepResult(ROWS), tmp_path / "a.html").read_text())
    dots = [row for tag, row in page.tags if tag == "circle"]
    assert len(dots) == 2 * 3  # over LUT4s and over bits; what failed has no place
    assert sorted(row["r"] or "" for row in dots) == ["4"] * 2 + ["7"] * 4
    for row in dots:
        assert 70 <= float(row["cx"] or 0) <= 620
        assert 36 <= float(row["cy"] or 0) <= 334
    assert page.text.count("best") == 2
    for words in ("too small for <i>", "1,000,000.0 frames/s, 2,000 LUT4", "<b>", "50.0%"):
        assert words in page.text
    places = [(float(row["cx"] or 0), float(row["cy"] or 0)) for row in dots[:3]]
    right, highest = max(places), min(places, key=lambda place: place[1])
    assert right == highest  # the one of most LUT4s is the fastest


def test_a_sweep_of_failures_has_no_drawing(tmp_path: Path) -> None:
    path = write_sweep(SweepResult(ROWS[3:]), tmp_path / "a.html")
    assert not re.search("<svg", path.read_text())
