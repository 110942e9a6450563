"""The worked example of docs/extend/adding-a-board.md, run as it stands there."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from subbit.boards import BOARDS, Board, boards_of
from subbit.hw.design.platform import board_platform, prepare
from subbit.hw.design.top import board_top
from subbit.sw.errors import BoardError
from subbit.sw.lower.plan import smallest_plan
from tests.docs.page import blocks_of, place_files
from tests.flow.board_checks import available, check_platform, missing_texts, recounted
from tests.networks import small_network
from tests.paths import ROOT

PAGE = ROOT / "docs" / "extend" / "adding-a-board.md"


@pytest.fixture
def icepi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Board:
    """The board of the page, its file in place."""
    files, others = blocks_of(PAGE)
    assert list(files) == ["boards/icepi_zero.py"]
    assert not others
    place_files(files, tmp_path, monkeypatch)
    [row] = re.findall(r'^    "(\w+)",$', PAGE.read_text(), re.M)
    [found] = boards_of([row]).values()
    assert found.name not in BOARDS
    return found


def test_the_board_is_held_to_its_platform_and_to_nextpnr(icepi: Board, tmp_path: Path) -> None:
    check_platform(icepi)
    assert available(icepi, tmp_path, tmp_path) == recounted(icepi)


def test_a_network_is_made_for_its_pins(icepi: Board) -> None:
    network = small_network("plain")
    design = prepare(board_top(network, smallest_plan(network), icepi), icepi)
    assert 'LOCATE COMP "clk50_0__io" SITE "M1";' in design.constraints
    assert 'LOCATE COMP "uart_0__rx__io" SITE "K16";' in design.constraints


def test_the_texts_that_do_not_know_it_are_named(icepi: Board) -> None:
    assert missing_texts(icepi) == [
        *(f"{file}: no icepi-zero" for file in ("README.md", "Makefile", "docs/use/boards.md")),
        *(f"docs/use/boards.md: the row of icepi-zero does not have {n}" for n in ("24,288", "56")),
    ]


def test_a_platform_without_a_serial_port_is_refused(icepi: Board) -> None:
    orange = replace(
        *(icepi,),
        name="orangecrab",
        platform="amaranth_boards.orangecrab_r0_2:OrangeCrabR0_2Platform",
        oscillator="clk",
        oscillator_hz=48_000_000,
    )
    with pytest.raises(BoardError, match=r"^orangecrab: its platform .* has no resource 'uart' 0"):
        board_platform(orange)


def test_the_page_names_every_file(icepi: Board) -> None:
    listed = PAGE.read_text().partition("## Every file")[2]
    for place in [*missing_texts(icepi), "boards/NAME.py:", "boards/__init__.py:"]:
        assert f"| `{place.partition(':')[0]}` |" in listed
