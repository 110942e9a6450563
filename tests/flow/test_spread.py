"""Lookup tables that are kept free to give the routers room."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from conftest import Built

from subbit.boards import BOARDS, Board, board
from subbit.sw.flow.route import place_and_route
from subbit.sw.flow.spread import keep_free, tiles

ECP5 = [board for board in BOARDS.values() if board.device.fabric == "ecp5"]


def netlist(folder: Path, **cells: int) -> Path:
    """A netlist of that many cells of each kind, and of a module that is only declared."""
    rows = {f"{kind}{at}": {"type": kind} for kind, count in cells.items() for at in range(count)}
    path = folder / "top.json"
    path.write_text(json.dumps({"modules": {"LUT4": {"cells": {}}, "top": {"cells": rows}}}))
    return path


def cells_of(path: Path) -> dict[str, Any]:
    """The cells of its top."""
    found: dict[str, Any] = json.loads(path.read_text())["modules"]["top"]["cells"]
    return found


@pytest.mark.parametrize("board", ECP5, ids=lambda board: board.name)
def test_every_tile_is_known(board: Board) -> None:
    found = list(tiles(board.device.name))
    assert 8 * len(found) == board.device.lut4
    assert len(set(found)) == len(found)


def test_half_of_every_second_row(tmp_path: Path) -> None:
    device = board("ulx3s-85f").device
    path = netlist(tmp_path, LUT4=10_000)
    kept = keep_free(path, "top", device)
    assert kept == 4 * sum(y % 2 for _, y in tiles(device.name))
    places = [cell["attributes"]["BEL"] for cell in cells_of(path).values() if "attributes" in cell]
    assert len(set(places)) == kept == len(cells_of(path)) - 10_000
    assert {place.split("/")[2] for place in places} == {
        f"SLICE{part}.K{half}" for part in "CD" for half in (0, 1)
    }


def test_once_is_enough(tmp_path: Path) -> None:
    path, device = netlist(tmp_path, LUT4=10_000), board("ulx3s-12f").device
    kept = keep_free(path, "top", device)
    before = path.read_bytes()
    assert keep_free(path, "top", device) == kept > 0
    assert path.read_bytes() == before


@pytest.mark.parametrize(("kind", "luts"), [("LUT4", 1), ("CCU2C", 2), ("TRELLIS_DPR16X4", 6)])
def test_a_full_device_keeps_none(kind: str, luts: int, tmp_path: Path) -> None:
    device = board("ulx3s-12f").device
    room = int(0.7 * device.lut4) - keep_free(netlist(tmp_path, LUT4=10_000), "top", device)
    cells = {kind: room // luts, "TRELLIS_FF": 9}
    assert keep_free(netlist(tmp_path, **cells), "top", device) > 0
    path = netlist(tmp_path, **cells | {kind: room // luts + 1})
    before = path.read_bytes()
    assert keep_free(path, "top", device) == 0
    assert path.read_bytes() == before


def test_other_parts_keep_none(tmp_path: Path) -> None:
    path = netlist(tmp_path, SB_LUT4=1)
    before = path.read_bytes()
    assert keep_free(path, "top", board("icebreaker").device) == 0
    assert path.read_bytes() == before


def test_a_small_design_keeps_none(tmp_path: Path) -> None:
    path = netlist(tmp_path, LUT4=9999)
    assert keep_free(path, "top", board("ulx3s-85f").device) == 0
    assert len(cells_of(path)) == 9999


def test_a_build_does_not_count_them(
    built: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("subbit.sw.flow.spread.LARGE", 1)
    for ending in ("json", "lpf"):
        shutil.copy(built.folder / f"top.{ending}", tmp_path)
    routed = place_and_route(tmp_path, board("ulx3s"), name="top", design="echo")
    assert routed.resources == built.result.resources
    kept = sum(name.startswith("$kept_free") for name in cells_of(tmp_path / "top.json"))
    said = json.loads((tmp_path / "timing.json").read_text())["utilization"]["TRELLIS_COMB"]
    assert kept > 20_000
    assert said["used"] == routed.resources.lut4
