"""Carry chains in a mapped netlist for nextpnr: ends that nobody uses are left open.

nextpnr-ecp5 puts a slice before a carry chain whose carry-in is connected, even to a constant, and
one behind a chain whose carry-out is, even if nothing uses it; Yosys connects both. Each costs two
LUT4. A carry-in is left open only where the first place of the chain ignores it. An open end is a
connection to ``x``: without the connection nextpnr fails.
"""

import json
from collections import Counter
from pathlib import Path
from typing import Any

__all__ = ["open_chains"]

CONSTANTS = ("0", "1", "x")
OPEN = ["x"]


def open_chains(netlist: Path) -> int:
    """Open the unused ends of carry chains in a netlist of Yosys's (JSON); returns how many."""
    design = json.loads(netlist.read_text())
    opened = 0
    for module in design["modules"].values():
        users = Counter(
            bit
            for cells in ("cells", "ports")
            for cell in module.get(cells, {}).values()
            for bits in (cell["connections"].values() if cells == "cells" else [cell["bits"]])
            for bit in bits
        )
        for cell in module["cells"].values():
            if cell["type"] == "CCU2C":
                opened += open_cell(cell, users)
    netlist.write_text(json.dumps(design))
    return opened


def open_cell(cell: dict[str, Any], users: Counter[int | str]) -> int:
    """Open the ends of one cell; returns how many."""
    pins, opened = cell["connections"], 0
    if pins.get("COUT", OPEN) != OPEN and users[pins["COUT"][0]] < 2:
        pins["COUT"], opened = OPEN, opened + 1
    if pins.get("CIN", OPEN) != OPEN and pins["CIN"][0] in CONSTANTS and ignores_carry(cell, users):
        pins["CIN"], opened = OPEN, opened + 1
    return opened


def ignores_carry(cell: dict[str, Any], users: Counter[int | str]) -> bool:
    """Whether the carry-in of a cell reaches nothing.

    It passes where the first half's table is 1, and S0 is its exclusive or with that.
    """
    pins, table = cell["connections"], int(cell["parameters"]["INIT0"], 2)
    # A net's number stands in the file as a number, a constant as a text.
    inputs = [
        pins[pin][0] if isinstance(pins[pin][0], str) else "" for pin in ("A0", "B0", "C0", "D0")
    ]
    rows = [
        row
        for row in range(16)
        if all(str(1 - (row >> at & 1)) != value for at, value in enumerate(inputs))
    ]
    used = bool(pins.get("S0")) and users[pins["S0"][0]] > 1
    return not used and not any(table >> row & 1 for row in rows)
