"""What a netlist of Yosys's takes of an ECP5, counted cell by cell."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from subbit.hw.families.ecp5.family import LUT4, WRITE_PORT_LUT4

__all__ = ["MappedCells", "count_cells", "netlist_cells"]


@dataclass(frozen=True)
class MappedCells:
    """Cells of a netlist that is not packed yet.

    ``lut4``: lookup tables, two for a carry cell and four for a LUT memory of 16 words of 4 bits.
    ``write_port_lut4``: two more for each such memory, whose write port takes the places of two.
    """

    lut4: int
    write_port_lut4: int
    flip_flops: int
    block_rams: int

    @property
    def lut4_places(self) -> int:
        """Places for lookup tables that the netlist takes of the device, as nextpnr packs it."""
        return self.lut4 + self.write_port_lut4

    def row(self) -> dict[str, int]:
        """``lut4``, ``flip_flops`` and ``block_rams``, as measurements name them."""
        names = ("lut4", "flip_flops", "block_rams")
        return {name: getattr(self, name) for name in names}


def count_cells(cells: Mapping[str, int]) -> MappedCells:
    """What cells take, given how many there are of each type; other types take nothing."""
    return MappedCells(
        lut4=sum(cells.get(kind, 0) * luts for kind, luts in LUT4.items()),
        write_port_lut4=sum(cells.get(kind, 0) * luts for kind, luts in WRITE_PORT_LUT4.items()),
        flip_flops=cells.get("TRELLIS_FF", 0),
        block_rams=cells.get("DP16KD", 0),
    )


def netlist_cells(netlist: Path) -> MappedCells:
    """What all modules of a netlist (the JSON of Yosys's ``write_json``) take together."""
    modules = json.loads(netlist.read_text())["modules"].values()
    types = (cell["type"] for module in modules for cell in module["cells"].values())
    return count_cells(Counter(types))
