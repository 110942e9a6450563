"""Large designs are placed by another placer, and always alike."""

import json
from pathlib import Path

import pytest

from subbit.boards import board
from subbit.sw.flow import route
from subbit.sw.flow.cells import netlist_cells
from subbit.sw.flow.fit import Resources
from tests.flow.builds import Built

BOARD = board("ulx3s")


def copied(built: Built, folder: Path) -> Path:
    folder.mkdir()
    for name in ("top.json", "top.lpf"):
        (folder / name).write_bytes((built.folder / name).read_bytes())
    return folder


def placed(folder: Path) -> tuple[str, Resources, str]:
    """The configuration, what it takes, and the log."""
    routed = route.place_and_route(folder, BOARD, name="top", design="echo")
    log = (folder / "route.log").read_text()
    return routed.config.read_text(), routed.resources, log


def test_large_designs_have_a_placer_of_their_own(
    built: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, resources, log = placed(copied(built, tmp_path / "small"))
    luts = netlist_cells(tmp_path / "small" / "top.json").lut4_places
    assert luts <= resources.lut4 <= luts + 8  # packing adds constants and ends of chains
    assert "HeAP Placer Time" in log
    monkeypatch.setattr(route, "LARGE_LUT4", luts - 1)
    first = placed(copied(built, tmp_path / "large"))
    again = placed(copied(built, tmp_path / "again"))
    assert "HeAP Placer Time" not in first[2]
    assert first[1] == resources
    assert first[0] == again[0] != config


@pytest.mark.parametrize(("luts", "large"), [(30_000, False), (30_001, True), (41_821, False)])
def test_large_is_up_to_half_of_an_ecp5(luts: int, large: bool, tmp_path: Path) -> None:
    cells = {f"c{at}": {"type": "LUT4"} for at in range(luts - 8)}
    cells |= {"memory": {"type": "TRELLIS_DPR16X4"}, "carry": {"type": "CCU2C"}}
    cells["register"] = {"type": "TRELLIS_FF"}
    netlist = tmp_path / "top.json"
    netlist.write_text(json.dumps({"modules": {"top": {"cells": cells}}}))
    assert netlist_cells(netlist).lut4_places == luts
    assert bool(route.size_arguments(netlist, BOARD)) == large
    assert not route.size_arguments(netlist, board("icebreaker"))
