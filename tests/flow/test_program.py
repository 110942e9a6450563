"""What openFPGALoader is asked to do for each board."""

from pathlib import Path

import pytest

from subbit.boards import board
from subbit.sw.errors import ToolError
from subbit.sw.flow import tools
from subbit.sw.flow.program import program_board

LOADER = """\
#!/bin/sh
case "$1" in --Version) echo "openFPGALoader v0.13" ;; *) echo "$@" > {said} ;; esac
"""


@pytest.fixture
def said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file where a program in the place of openFPGALoader leaves its arguments."""
    program, file = tmp_path / "loader", tmp_path / "said"
    program.write_text(LOADER.format(said=file))
    program.chmod(0o755)
    monkeypatch.setenv("OPENFPGALOADER", str(program))
    tools.find_tool.cache_clear()
    return file


@pytest.mark.parametrize(
    ("name", "flash", "target"),
    [
        ("ulx3s-12f", False, "--board ulx3s --write-sram"),
        ("ulx3s-12f", True, "--board ulx3s --write-flash"),
        ("icebreaker", False, "--board ice40_generic --write-flash"),
    ],
)
def test_where_a_bitstream_goes(
    name: str, flash: bool, target: str, said: Path, tmp_path: Path
) -> None:
    bitstream = tmp_path / "net.bin"
    bitstream.write_bytes(b"\x00")
    try:
        program_board(bitstream, board(name), flash=flash)
    finally:
        tools.find_tool.cache_clear()
    assert said.read_text() == f"{target} {bitstream}\n"


def test_a_missing_bitstream_is_told_how_to_build(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="is no file; build it with 'subbit bitstream' first"):
        program_board(tmp_path / "none.bin", board("icebreaker"))
