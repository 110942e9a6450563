"""Where cells are: read from what nextpnr has written."""

import json
from pathlib import Path

import pytest

from subbit.boards import BOARDS, board
from subbit.sw.flow.placement import placed_cells, placement, placement_text
from tests.flow.builds import Built


def cell(name: str, kind: str, bel: str) -> str:
    """A cell as nextpnr writes it."""
    inside = f'"attributes": {{\n            "NEXTPNR_BEL": "{bel}"\n          }}'
    head = f'        {json.dumps(name)}: {{\n          "type": "{kind}",\n          '
    return f"{head}{inside}\n        }}"


def netlist(path: Path, *cells: str) -> Path:
    """A netlist with cells, and with a net that looks like one."""
    path.write_text(
        '{\n  "modules": {\n    "top": {\n      "cells": {\n'
        + ",\n".join(cells)
        + '\n      },\n      "netnames": {\n'
        + cell("a.b", "TRELLIS_FF", "X9/Y9/FF0")
        + "\n      }\n    }\n  }\n}\n"
    )
    return path


def test_cells_are_counted_by_part_and_tile(tmp_path: Path) -> None:
    cells = [
        cell("core.accelerator.conv1_dot.x.y", "TRELLIS_COMB", "X3/Y4/SLICEA.COMB0"),
        cell("core.accelerator.conv1_dot.z", "TRELLIS_COMB", "X3/Y4/SLICEA.COMB1"),
        cell("core.accelerator.conv1_dot.z$1", "TRELLIS_FF", "X3/Y4/SLICEA.FF1"),
        cell("core.accelerator.conv1_dot.m", "TRELLIS_RAMW", "X5/Y4/SLICEC.RAMW"),
        cell("core.link.queue.m", "DP16KD", "X7/Y10/EBR0"),
        cell('$nextpnr "odd"', "TRELLIS_COMB", "X1/Y2/SLICEA.COMB0"),
        cell("pin$tr_io", "TRELLIS_IO", "X0/Y11/PIOA"),
    ]
    target = board("ulx3s-85f")
    row = placement(netlist(tmp_path / "a.json", *cells), target.family, target.device)
    assert row["kinds"] == ["lut4", "flip_flops", "block_rams"]
    assert (row["columns"], row["rows"]) == (127, 96)
    assert row["parts"] == {
        "": [[1, 2, 1, 0, 0]],
        "core.accelerator.conv1_dot": [[3, 4, 2, 1, 0], [5, 4, 2, 0, 0]],
        "core.link.queue": [[7, 10, 0, 0, 1]],
    }
    assert json.loads(placement_text(row)) == row


@pytest.mark.parametrize("name", ["built", "built_ice40"])
def test_every_cell_of_a_build_is_placed(name: str, request: pytest.FixtureRequest) -> None:
    found: Built = request.getfixturevalue(name)
    row = json.loads((found.folder / "placement.json").read_text())
    used, kinds = found.result.resources, row["kinds"]
    tiles = [tile for part in row["parts"].values() for tile in part]
    sums = {kind: sum(tile[2 + at] for tile in tiles) for at, kind in enumerate(kinds)}
    assert sums["lut4"] == used.lut4
    assert sums["block_rams"] == used.block_rams
    assert all(x < row["columns"] and y < row["rows"] for x, y, *_ in tiles)
    assert not list(found.folder.glob("written*"))


def test_every_board_has_a_size_in_tiles() -> None:
    for target in BOARDS.values():
        columns, rows = target.family.tiles(target.device) or (0, 0)
        assert columns * rows * 8 >= target.device.lut4


def test_nothing_is_read_behind_the_cells(tmp_path: Path) -> None:
    found = list(placed_cells(netlist(tmp_path / "a.json", cell("b", "TRELLIS_FF", "X1/Y1/FF0"))))
    assert found == [("b", "TRELLIS_FF", 1, 1)]
