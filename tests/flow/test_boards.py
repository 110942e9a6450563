"""The table of boards, and that its numbers are those of the tools."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from subbit.boards import BOARDS, board, board_names
from subbit.hw.design.platform import board_platform
from subbit.sw.errors import BoardError
from subbit.sw.flow.family import family_of
from subbit.sw.flow.process import run_tool
from tests.flow.builds import Built


def test_ulx3s_means_the_largest() -> None:
    assert board("ulx3s") is board("ULX3S-85F") is BOARDS["ulx3s-85f"]


@pytest.mark.parametrize(
    ("name", "nearest"), [("ulx4s-45f", "ulx3s-45f"), ("ulx3", "ulx3s"), ("ULX3S 12F", "ulx3s-12f")]
)
def test_an_unknown_board_is_answered_with_the_nearest(name: str, nearest: str) -> None:
    with pytest.raises(BoardError) as caught:
        board(name)
    assert str(caught.value) == (
        f"unknown board {name!r}; the nearest known one is {nearest!r}, "
        f"of {', '.join(board_names())}"
    )


@pytest.mark.parametrize("name", list(BOARDS))
def test_the_numbers_of_cells_are_those_of_nextpnr(
    name: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    device, family = board(name).device, family_of(board(name))
    built: Built = request.getfixturevalue(FIXTURES[device.fabric])
    for file in ("top.json", f"top.{family.constraints}"):
        shutil.copy(built.folder / file, tmp_path)
    run_tool(
        family.nextpnr(),
        [*family.place_arguments(board(name), "top"), "--pack-only"],
        folder=tmp_path,
        log="pack.log",
    )
    text = (tmp_path / "pack.log").read_text()
    available = dict(re.findall(r"^Info:\s+([A-Z0-9_]+):\s+\d+/\s*(\d+)\s", text, re.M))
    assert [int(available[kind]) for kind in KINDS[device.fabric]] == [
        device.lut4,
        device.flip_flops,
        device.block_rams,
        device.dsps,
    ]


FIXTURES = {"ecp5": "built", "ice40": "built_ice40"}
KINDS = {
    "ecp5": ("TRELLIS_COMB", "TRELLIS_FF", "DP16KD", "MULT18X18D"),
    "ice40": ("ICESTORM_LC", "ICESTORM_LC", "ICESTORM_RAM", "ICESTORM_DSP"),
}


@pytest.mark.parametrize("name", list(BOARDS))
def test_the_platform_is_of_the_same_device_and_clock(name: str) -> None:
    known, platform = board(name), board_platform(board(name))
    assert platform.device == known.device.name
    assert int(getattr(platform, "speed", 0)) == known.device.speed
    assert platform.lookup(known.oscillator).clock.frequency == known.oscillator_hz
    assert platform.lookup("led", known.leds - 1)


def test_the_table_needs_no_amaranth() -> None:
    code = "import sys, subbit.boards; sys.exit('amaranth' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
