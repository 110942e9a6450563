"""What openFPGALoader is asked to do for each board."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from subbit.boards import board
from subbit.sw.errors import ToolError
from subbit.sw.flow import tools
from subbit.sw.flow.program import program_board
from subbit.sw.flow.summary import Summary
from subbit.sw.ir import BinaryWeights, Flatten, Linear, Network, TensorType

LOADER = """\
#!/bin/sh
case "$1" in --Version) echo "openFPGALoader v0.13" ;; *) echo "$@" > {said} ;; esac
"""


@pytest.fixture
def said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The file where a program in the place of openFPGALoader leaves its arguments."""
    program, file = tmp_path / "loader", tmp_path / "said"
    program.write_text(LOADER.format(said=file))
    program.chmod(0o755)
    monkeypatch.setenv("OPENFPGALOADER", str(program))
    tools.find_tool.cache_clear()
    yield file
    tools.find_tool.cache_clear()


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
    program_board(bitstream, board(name), flash=flash)
    assert said.read_text() == f"{target} {bitstream}\n"


def test_a_missing_bitstream_is_told_how_to_build(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="is no file; build it with 'subbit bitstream' first"):
        program_board(tmp_path / "none.bin", board("icebreaker"))


def network(weight: int = 0) -> Network:
    """A network for each weight."""
    layers = {"flatten": Flatten(), "linear": Linear(BinaryWeights(np.array([[weight] * 2])))}
    return Network.chain("net", TensorType.codes(1, 2, 1, 1), layers)


BITS = b"the bits"
SUMMARY = Summary(
    *("net", network().digest, "ulx3s-12f", "LFE5U-12F", 1, 1, 1, 1, 1.0, 1.0, 1, 1, 1.0, None, 2),
    *(1.0, "net.bit", hashlib.sha256(BITS).hexdigest()),
)


@pytest.mark.parametrize(
    ("summary", "bits", "named", "refusal"),
    [
        (SUMMARY, BITS, network(), None),
        (SUMMARY, BITS, None, None),
        (None, BITS, None, None),
        (replace(SUMMARY, bitstream="other.bit"), BITS, None, None),
        (SUMMARY, b"other bits", None, "is not the bitstream that the summary.json beside it"),
        (SUMMARY, b"other bits", network(), "is not the bitstream that the summary.json beside"),
        (
            SUMMARY,
            BITS,
            network(1),
            r"holds network 'net' \(.*\), not 'net' \(.*file is now",
        ),
        (None, BITS, network(), "no summary.json beside .*net.bit tells of which network"),
        (replace(SUMMARY, bitstream="other.bit"), BITS, network(), "no summary.json beside"),
        ("{", BITS, None, "summary.json: is no summary of a build"),
        ("[1]", BITS, None, "summary.json: is no summary of a build"),
        ("{}", BITS, network(), "summary.json: is no summary of a build"),
    ],
)
def test_what_is_loaded_is_what_was_built(
    summary: Summary | str | None,
    bits: bytes,
    named: Network | None,
    refusal: str | None,
    said: Path,
    tmp_path: Path,
) -> None:
    folder = tmp_path / "build"
    folder.mkdir()
    (folder / "net.bit").write_bytes(bits)
    if summary is not None:
        text = summary if isinstance(summary, str) else summary.to_json()
        (folder / "summary.json").write_text(text)
    if refusal is None:
        program_board(folder / "net.bit", board("ulx3s"), network=named)
        assert said.exists()
        return
    with pytest.raises(ToolError, match=refusal):
        program_board(folder / "net.bit", board("ulx3s"), network=named)
    assert not said.exists()
