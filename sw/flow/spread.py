"""Room for the wires of a large design: some lookup tables of an ECP5 are kept free.

nextpnr packs logic into as few tiles as it can, and engines fill every input of every lookup table
there: more than the wires around a full tile carry, so that its router takes one wire's place for
the next, for hours over a large design. No option of its sets a density that ECP5 placement heeds,
so tables that do nothing stand where nothing else shall: in every second row of tiles, half of
them. The rows between stay whole, for carry chains.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from subbit.boards import Device

__all__ = ["keep_free", "tiles"]

LUTS = {"LUT4": 1, "CCU2C": 2, "TRELLIS_DPR16X4": 6}  # of one cell
LARGE = 10_000  # lookup tables from which a design is helped: keeping some free lowers the clock
FULLEST = 0.7  # share of a device, tables kept free included, beyond which placement takes long
KEPT = ("SLICEC", "SLICED")

# Numbers of tiles across and down, and the first row of block RAMs and multipliers, of which every
# twelfth row has some. The two outermost tiles on each side are not logic.
GRIDS = {
    "LFE5U-12F": (73, 51, 13),
    "LFE5U-25F": (73, 51, 13),
    "LFE5U-45F": (91, 72, 10),
    "LFE5U-85F": (127, 96, 10),
}
EDGE, APART = 2, 12


def tiles(device: str) -> Iterator[tuple[int, int]]:
    """Column and row of each tile with eight lookup tables, as nextpnr counts them."""
    across, down, memories = GRIDS[device]
    for y in range(EDGE, down - EDGE):
        if (y - memories) % APART:
            for x in range(EDGE, across - EDGE):
                yield x, y


def keep_free(netlist: Path, top: str, device: Device) -> int:
    """Add tables that do nothing, at fixed places, to the module ``top`` of a netlist of Yosys's
    (JSON) if that is large and ``device`` an ECP5 with room for them; returns how many.
    """
    if device.name not in GRIDS:
        return 0
    design = json.loads(netlist.read_text())
    cells = design["modules"][top]["cells"]
    kept = {
        f"$kept_free{x}_{y}{part}{half}": idle(f"X{x}/Y{y}/{part}.K{half}")
        for x, y in tiles(device.name)
        if y % 2
        for part in KEPT
        for half in (0, 1)
    }
    used = sum(LUTS.get(cell["type"], 0) for name, cell in cells.items() if name not in kept)
    if used < LARGE or used + len(kept) > FULLEST * device.lut4:
        return 0
    cells |= kept
    netlist.write_text(json.dumps(design))
    return len(kept)


def idle(place: str) -> dict[str, Any]:
    """A lookup table there whose inputs and output nothing uses."""
    pins = "ABCD"
    return {
        "hide_name": 1,
        "type": "LUT4",
        "parameters": {"INIT": f"{0:016b}"},
        "attributes": {"BEL": place, "keep": "1"},
        "port_directions": dict.fromkeys(pins, "input"),
        "connections": {pin: ["0"] for pin in pins},
    }
