"""Where nextpnr has put the cells of each part of a design: placement.json of a build."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from subbit.hw.families.device import FpgaDevice
from subbit.hw.families.family import Family

__all__ = ["PLACEMENT_VERSION", "placed_cells", "placement", "placement_text"]

PLACEMENT_VERSION = 1
DEPTH = 3  # names in the path of a part, such as core.accelerator.conv2_dot
# nextpnr writes a line for each member of an object, indented by two blanks for each level. Only
# these are read: with the wires of each net, the file of a large design has hundreds of megabytes.
CELL = re.compile(r'^        (".*"): \{$')
KIND = re.compile(r'^          "type": "(\w+)"')
PLACE = re.compile(r'^            "NEXTPNR_BEL": "X(\d+)/Y(\d+)/')
END = '      "netnames"'


def placed_cells(netlist: Path) -> Iterator[tuple[str, str, int, int]]:
    """Name, kind, column and row of each cell in a netlist that nextpnr has written."""
    name = kind = ""
    with netlist.open() as lines:
        for line in lines:
            if found := CELL.match(line):
                name = json.loads(found.group(1))
            elif found := KIND.match(line):
                kind = found.group(1)
            elif found := PLACE.match(line):
                yield name, kind, int(found.group(1)), int(found.group(2))
            elif line.startswith(END):
                return


def placement(netlist: Path, family: Family, device: FpgaDevice) -> dict[str, Any]:
    """The content of placement.json, from a netlist that nextpnr has placed.

    ``columns`` and ``rows``: tiles of the device, or as many as are in use where the family does
    not tell. ``kinds``: LUT4s and what else is counted, as the family counts them. ``parts``: of
    each part of the design, by its path, rows ``[x, y, number of each kind]`` of the tiles that it
    has cells in; x and y as nextpnr counts columns and rows.
    """
    kinds = {
        field: times
        for field, times in family.resource_kinds.items()
        if field in ("lut4", "flip_flops", "block_rams")
    }
    found: dict[str, dict[tuple[int, int], Counter[str]]] = {}
    columns = rows = 0
    for name, kind, x, y in placed_cells(netlist):
        columns, rows = max(columns, x + 1), max(rows, y + 1)
        counts = {field: times[kind] for field, times in kinds.items() if kind in times}
        if counts:
            tiles = found.setdefault(path_of(name), {})
            tiles.setdefault((x, y), Counter()).update(counts)
    columns, rows = family.tiles(device) or (columns, rows)
    parts = {
        path: [[x, y, *(tiles[x, y][field] for field in kinds)] for x, y in sorted(tiles)]
        for path, tiles in sorted(found.items())
    }
    head = {"subbit_placement": PLACEMENT_VERSION, "columns": columns, "rows": rows}
    return head | {"kinds": list(kinds), "parts": parts}


def path_of(name: str) -> str:
    """The path of the part that a cell is in; of what nextpnr made itself, an empty one."""
    if name.startswith("$"):
        return ""
    return ".".join(name.split(".")[:-1][:DEPTH])


def placement_text(row: dict[str, Any]) -> str:
    """The file, a line for each part."""
    parts = row["parts"].items()
    lines = [
        f"{json.dumps(path)}: {json.dumps(tiles, separators=(',', ':'))}" for path, tiles in parts
    ]
    head = json.dumps({key: value for key, value in row.items() if key != "parts"})
    return head[:-1] + ', "parts": {\n' + ",\n".join(lines) + "\n}}\n"
