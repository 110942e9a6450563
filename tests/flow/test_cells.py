"""Counting the cells of a netlist."""

import json
from pathlib import Path

import pytest

from subbit.sw.flow.cells import MappedCells, count_cells, netlist_cells

CASES = {
    "nothing": ({}, (0, 0, 0, 0), 0),
    "tables": ({"LUT4": 7}, (7, 0, 0, 0), 7),
    "carry": ({"CCU2C": 3}, (6, 0, 0, 0), 6),
    "LUT memory": ({"TRELLIS_DPR16X4": 2}, (8, 4, 0, 0), 12),
    "registers": ({"TRELLIS_FF": 5}, (0, 0, 5, 0), 0),
    "block RAM": ({"DP16KD": 4}, (0, 0, 0, 4), 0),
    "others": ({"$scopeinfo": 9, "PFUMX": 1}, (0, 0, 0, 0), 0),
    "all": ({"LUT4": 1, "CCU2C": 1, "TRELLIS_DPR16X4": 1, "TRELLIS_FF": 1}, (7, 2, 1, 0), 9),
}


@pytest.mark.parametrize("name", CASES)
def test_cells_are_counted(name: str, tmp_path: Path) -> None:
    cells, numbers, places = CASES[name]
    found = count_cells(cells)
    assert found == MappedCells(*numbers)
    assert found.lut4_places == places
    lut4, _, flip_flops, block_rams = numbers
    assert found.row() == {"lut4": lut4, "flip_flops": flip_flops, "block_rams": block_rams}
    netlist = tmp_path / "top.json"
    rows = [{"type": kind} for kind, count in cells.items() for _ in range(count)]
    modules = {f"part{n}": {"cells": {"cell": row}} for n, row in enumerate(rows)}
    netlist.write_text(json.dumps({"modules": modules}))
    assert netlist_cells(netlist) == found
