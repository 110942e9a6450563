"""LUT RAMs of few words in a mapped netlist for nextpnr.

Yosys connects the address bits that such a memory does not need to 0. nextpnr has one source of 0
for the whole device, and routes a wire from there to every one of these pins. They may as well
repeat an address bit that is there: then each word lies at another place, for both ports alike.
"""

from typing import Any

__all__ = ["double_addresses"]

CELL = "TRELLIS_DPR16X4"
ZERO = "0"


def double_addresses(module: dict[str, Any]) -> int:
    """Let the unneeded address bits of LUT RAMs without initial contents repeat another one;
    returns how many bits of read ports.
    """
    cells = [cell for cell in module["cells"].values() if cell["type"] == CELL]
    return sum(map(double_bits, cells))


def double_bits(cell: dict[str, Any]) -> int:
    """The same for one cell."""
    write, read = (cell["connections"][port] for port in ("WAD", "RAD"))
    needed = [at for at in range(len(read)) if (write[at], read[at]) != (ZERO, ZERO)]
    if "1" in cell.get("parameters", {}).get("INITVAL", "") or not needed:
        return 0
    spare = [at for at in range(len(read)) if at not in needed]
    for at in spare:
        write[at], read[at] = write[needed[0]], read[needed[0]]
    return len(spare)
