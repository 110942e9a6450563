"""Unused ends of carry chains are left open, and no others."""

import json
from pathlib import Path
from typing import Any

import pytest

from subbit.hw.families.ecp5.chains import open_chains

ADDS, TURNS = f"{0x9666:016b}", f"{0x000A:016b}"  # of A ^ B; of a place that gives S = CIN


def cell(cin: Any, cout: int, init: str, **pins: Any) -> dict[str, Any]:
    """A CCU2C whose inputs C and D are 1, and S0 is connected to nothing else."""
    usual: dict[str, Any] = {"A0": 90, "B0": "1", "C0": "1", "D0": "1", "S0": 100 + cout}
    connections = {**usual, **pins, "CIN": cin, "COUT": cout}
    return {
        "type": "CCU2C",
        "parameters": {"INIT0": init},
        "connections": {pin: [net] for pin, net in connections.items()},
    }


def opened(folder: Path, *cells: dict[str, Any]) -> list[tuple[Any, Any]]:
    """Carry-in and carry-out of each cell afterwards."""
    netlist = folder / "top.json"
    rows = {f"c{at}": row for at, row in enumerate(cells)}
    module = {"cells": rows, "ports": {"y": {"bits": [95]}}}
    netlist.write_text(json.dumps({"modules": {"top": module}}))
    count = open_chains(netlist)
    after = json.loads(netlist.read_text())["modules"]["top"]["cells"]
    found = [
        (after[name]["connections"]["CIN"][0], after[name]["connections"]["COUT"][0])
        for name in rows
    ]
    assert count == sum(end == "x" for ends in found for end in ends)
    return found


def test_both_ends_of_a_chain(tmp_path: Path) -> None:
    chain = cell("0", 10, TURNS), cell(10, 11, ADDS)
    assert opened(tmp_path, *chain) == [("x", 10), (10, "x")]


@pytest.mark.parametrize(
    ("init", "pins"),
    [
        (ADDS, {}),  # an adder's first place uses the carry-in
        (TURNS, {"S0": 95}),  # the carry-in goes out
        (TURNS, {"C0": "0", "D0": "0"}),  # there the table lets the carry through
    ],
)
def test_a_carry_in_that_counts_stays(init: str, pins: dict[str, Any], tmp_path: Path) -> None:
    assert opened(tmp_path, cell("0", 11, init, **pins)) == [("0", "x")]


def test_a_carry_out_that_is_used_stays(tmp_path: Path) -> None:
    assert opened(tmp_path, cell(7, 95, ADDS)) == [(7, 95)]
