"""From Verilog to a netlist of a part's cells, with Yosys."""

import re
from pathlib import Path

from subbit.sw.flow import tools
from subbit.sw.flow.chains import open_chains
from subbit.sw.flow.family import FAMILIES
from subbit.sw.flow.process import run_tool
from subbit.sw.flow.progress import SILENT, Progress

__all__ = ["synthesise"]

SCRIPT = """\
read_verilog {name}.v
{synthesis}
write_json {name}.json
"""
PASS = re.compile(r"^\d+(?:\.\d+)*\. Executing (\S+)")


def synthesise(
    folder: Path, *, name: str, fabric: str = "ecp5", progress: Progress = SILENT
) -> Path:
    """Write ``name``.json from ``name``.v in ``folder``; returns its path. Raises ToolError."""

    def on_line(line: str) -> None:
        if found := PASS.match(line):
            progress.detail(found.group(1))

    script = folder / "synth.ys"
    synthesis = FAMILIES[fabric].synthesis.format(name=name)
    script.write_text(SCRIPT.format(name=name, synthesis=synthesis))
    run_tool(tools.yosys(), [script.name], folder=folder, log="synth.log", on_line=on_line)
    if fabric == "ecp5":
        open_chains(folder / f"{name}.json")
    return folder / f"{name}.json"
