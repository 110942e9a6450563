"""Large designs are placed by another placer, and always alike."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from subbit.boards import Board, board
from subbit.sw.errors import ToolError
from subbit.sw.flow import route
from subbit.sw.flow.cells import netlist_cells
from subbit.sw.flow.fit import Resources
from subbit.sw.flow.implement import set_clock
from tests.flow.builds import Built

BOARD = board("ulx3s")


def copied(built: Built, folder: Path) -> Path:
    folder.mkdir()
    for name in ("top.json", "top.lpf"):
        (folder / name).write_bytes((built.folder / name).read_bytes())
    return folder


def placed(folder: Path, target: Board = BOARD) -> tuple[str, Resources, str]:
    """The configuration, what it takes, and the log."""
    routed = route.place_and_route(folder, target, name="top", design="echo")
    log = (folder / "route.log").read_text()
    return routed.config.read_text(), routed.resources, log


def part_of(lut4: int) -> Board:
    """The board with a part of so many LUT4s."""
    return replace(BOARD, device=replace(BOARD.device, lut4=lut4))


def test_large_designs_have_a_placer_of_their_own(built: Built, tmp_path: Path) -> None:
    config, resources, log = placed(copied(built, tmp_path / "small"))
    luts = netlist_cells(tmp_path / "small" / "top.json").lut4_places
    assert luts <= resources.lut4 <= luts + 8  # packing adds constants and ends of chains
    assert "HeAP Placer Time" in log
    smaller = part_of(2 * luts)
    first = placed(copied(built, tmp_path / "large"), smaller)
    again = placed(copied(built, tmp_path / "again"), smaller)
    assert "HeAP Placer Time" not in first[2]
    assert first[1] == resources
    assert first[0] == again[0] != config


def test_a_placer_and_a_seed_may_be_named(built: Built, tmp_path: Path) -> None:
    """The placer of large designs for a small one, and one seed of nextpnr, again the same."""
    runs = [
        route.place_and_route(
            *(copied(built, tmp_path / name), BOARD),
            name="top",
            design="echo",
            seeds=(7,),
            placer="static",
        )
        for name in "ab"
    ]
    log = (tmp_path / "a" / "route.log").read_text()
    assert "HeAP Placer Time" not in log
    assert [run.seed for run in runs] == [7, 7]
    assert runs[0].config.read_text() == runs[1].config.read_text()


def test_routing_in_a_second_run_keeps_the_placement(built: Built, tmp_path: Path) -> None:
    folder, name = copied(built, tmp_path / "second"), "top"
    how = {"name": name, "design": "echo"}
    second = route.place_and_route(folder, BOARD, **how, seeds=(1, 2), route_mhz=12.0)
    names = {path.name for path in folder.iterdir()}
    assert names == {"top.json", "top.lpf", "top.config", "place.log", "route.log", "timing.json"}
    placing, routing = ((folder / f"{part}.log").read_text() for part in ("place", "route"))
    assert "HeAP Placer Time" in placing
    assert "Routing complete" not in placing
    assert "HeAP Placer Time" not in routing
    assert "Routing complete" in routing
    assert second.resources == placed(copied(built, tmp_path / "whole"))[1]
    assert {round(asked / 1e6) for _, asked in second.fmax_hz} == {25, 160}
    assert "at 12.00 MHz" in routing
    fmax_hz, clock_hz = set_clock(second, BOARD)
    assert fmax_hz >= clock_hz > 100e6


def test_a_placed_netlist_without_a_frequency_is_refused(tmp_path: Path) -> None:
    (tmp_path / "placed1.json").write_text("{}")
    with pytest.raises(ToolError, match="has 0 target frequencies; there should be one"):
        route.drive(tmp_path / "placed1.json", 12e6)


@pytest.mark.parametrize(
    ("luts", "name", "large"),
    [
        *((30_000, "85f", False), (30_001, "85f", True)),
        *((41_820, "85f", True), (41_821, "85f", False)),
        *((15_727, "45f", False), (15_728, "45f", True), (21_925, "45f", False)),
        *((8_711, "12f", False), (8_712, "12f", True), (12_145, "12f", False)),
    ],
)
def test_large_is_a_share_of_the_part(luts: int, name: str, large: bool, tmp_path: Path) -> None:
    cells = {f"c{at}": {"type": "LUT4"} for at in range(luts - 8)}
    cells |= {"memory": {"type": "TRELLIS_DPR16X4"}, "carry": {"type": "CCU2C"}}
    cells["register"] = {"type": "TRELLIS_FF"}
    netlist = tmp_path / "top.json"
    netlist.write_text(json.dumps({"modules": {"top": {"cells": cells}}}))
    assert netlist_cells(netlist).lut4_places == luts
    assert bool(route.size_arguments(netlist, board(f"ulx3s-{name}"))) == large
    assert not route.size_arguments(netlist, board("icebreaker"))
