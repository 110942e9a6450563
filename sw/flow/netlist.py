"""What is changed in a mapped netlist before nextpnr reads it."""

import json
from pathlib import Path

from subbit.sw.flow.chains import open_chains
from subbit.sw.flow.lutram import double_addresses

__all__ = ["fit_netlist"]


def fit_netlist(netlist: Path) -> None:
    """Make a netlist of ECP5 cells, a JSON file of Yosys's, cheaper to place and route."""
    design = json.loads(netlist.read_text())
    for module in design["modules"].values():
        open_chains(module)
        double_addresses(module)
    netlist.write_text(json.dumps(design))
