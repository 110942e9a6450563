"""Designs that are too large for their board."""

from pathlib import Path
from typing import Any

import pytest
from amaranth.hdl import ClockSignal, Instance, Module

from subbit.boards import Board, board
from subbit.sw.errors import FitError
from subbit.sw.flow.fit import FitWatch, Resources, smallest_board
from subbit.sw.flow.implement import implement
from tests.flow.echo import Echo

TABLE = """
Info: Device utilisation:
Info: 	              DP16KD:      {rams}/     56   107%
Info: 	          TRELLIS_FF:     112/  24288     0%
Info: 	        TRELLIS_COMB:   {luts}/  24288   100%
Info: 	        TRELLIS_RAMW:       {ramw}/   3036     0%

Info: Placed 0 cells based on constraints.
"""


def watch(luts: int, rams: int = 0, ramw: int = 0, name: str = "ulx3s-12f") -> None:
    """Let a watch read a table of that many cells."""
    reader = FitWatch(board(name), "net")
    for line in TABLE.format(luts=luts, rams=rams, ramw=ramw).splitlines():
        reader.line(line)


def test_a_design_that_fits_passes() -> None:
    watch(24288, 56)


@pytest.mark.parametrize(
    ("cells", "text"),
    [
        (
            {"luts": 100, "rams": 60},
            "net does not fit ulx3s-12f: it needs 60 block RAMs of 56; the smallest board that has "
            "them is ulx3s-45f; lower PE or SIMD in the plan to need less",
        ),
        (
            {"luts": 24280, "ramw": 5},
            "net does not fit ulx3s-12f: it needs 24290 LUT4 of 24288; the smallest board that has "
            "them is ulx3s-45f; lower PE or SIMD in the plan to need less",
        ),
        (
            {"luts": 90000, "rams": 190},
            "net does not fit ulx3s-12f: it needs 90000 LUT4 of 24288, 190 block RAMs of 56; "
            "no known board has them; lower PE or SIMD in the plan to need less",
        ),
    ],
)
def test_a_design_that_does_not_is_told_what_would(cells: dict[str, int], text: str) -> None:
    with pytest.raises(FitError) as caught:
        watch(**cells)
    assert str(caught.value) == text


def test_a_design_that_counts_as_fitting_but_cannot_be_placed() -> None:
    reader = FitWatch(board("ulx3s-25f"), "net")
    for line in TABLE.format(luts=24000, rams=3, ramw=0).splitlines():
        reader.line(line)
    with pytest.raises(FitError, match=r"needs 24000 LUT4 of 24288, 3 block RAMs of 56, too many"):
        reader.line("ERROR: Unable to find legal placement for all cells, design is probably at")


def test_the_smallest_board_is_found() -> None:
    large = Resources(lut4=50_000, flip_flops=0, block_rams=0, dsps=0)
    assert smallest_board(large, board("ulx3s-12f")) is board("ulx3s-85f")


class Memories(Echo):
    """The echo, with sixty block RAMs beside it."""

    def elaborate(self, platform: Any) -> Module:
        m = super().elaborate(platform)
        for n in range(60):
            m.submodules[f"memory{n}"] = Instance("DP16KD", a_keep=1, i_CLKA=ClockSignal("link"))
        return m


def test_nextpnr_is_stopped_by_a_design_that_is_too_large(tmp_path: Path) -> None:
    small: Board = board("ulx3s-12f")
    with pytest.raises(FitError, match=r"it needs 60 block RAMs of 56.*ulx3s-45f"):
        implement(Memories(board=small), small, tmp_path, name="memories")
    assert not (tmp_path / "memories.bit").exists()
