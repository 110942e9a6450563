"""From Verilog to a netlist of a part's cells, with Yosys."""

import re
from pathlib import Path

from subbit.hw.families.table import family
from subbit.sw.flow import tools
from subbit.sw.flow.process import run_tool
from subbit.sw.flow.progress import SILENT, Progress

__all__ = ["synthesise"]

SCRIPT = """\
read_verilog {name}.v
{synthesis}
write_json {name}.json
"""
PASS = re.compile(r"^\d+(?:\.\d+)*\. Executing (\S+)")


def synthesise(folder: Path, *, name: str, fabric: str, progress: Progress = SILENT) -> Path:
    """Write ``name``.json from ``name``.v in ``folder``, mapped for the family called ``fabric``;
    returns its path. Raises ToolError, and FamilyError for an unknown family.
    """

    def on_line(line: str) -> None:
        if found := PASS.match(line):
            progress.detail(found.group(1))

    script = folder / "synth.ys"
    part, netlist = family(fabric), folder / f"{name}.json"
    script.write_text(SCRIPT.format(name=name, synthesis=part.mapping(name)))
    run_tool(tools.yosys(), [script.name], folder=folder, log="synth.log", on_line=on_line)
    part.finish_netlist(netlist)
    return netlist
