"""From Verilog to a netlist of ECP5 cells, with Yosys."""

import re
from pathlib import Path

from subbit.sw.flow import tools
from subbit.sw.flow.chains import open_chains
from subbit.sw.flow.process import run_tool
from subbit.sw.flow.progress import SILENT, Progress

__all__ = ["synthesise"]

# -nowidelut: with wide multiplexers the mapper spends twice the LUTs on XNOR-popcounts.
# Cells of scope information are for viewers; nextpnr knows them only since 0.8.
SCRIPT = """\
read_verilog {name}.v
synth_ecp5 -nowidelut -top {name}
delete t:$scopeinfo
write_json {name}.json
"""
PASS = re.compile(r"^\d+(?:\.\d+)*\. Executing (\S+)")


def synthesise(folder: Path, *, name: str, progress: Progress = SILENT) -> Path:
    """Write ``name``.json from ``name``.v in ``folder``; returns its path. Raises ToolError."""

    def on_line(line: str) -> None:
        if found := PASS.match(line):
            progress.detail(found.group(1))

    script = folder / "synth.ys"
    script.write_text(SCRIPT.format(name=name))
    run_tool(tools.yosys(), [script.name], folder=folder, log="synth.log", on_line=on_line)
    open_chains(folder / f"{name}.json")
    return folder / f"{name}.json"
