"""From Amaranth to plain Verilog-2001, the same text for the same design."""

import tempfile
from pathlib import Path
from typing import Any

from amaranth.hdl import Elaboratable

from subbit.hw.design.elaboration import to_rtlil
from subbit.sw.flow import tools
from subbit.sw.flow.process import run_tool
from subbit.sw.flow.progress import SILENT, Progress

__all__ = ["rtlil_to_verilog", "to_verilog"]

# Attributes that tell where the text came from, and would make it differ between machines.
INTERNAL = ("generator", "top", "src", "amaranth.hierarchy", "amaranth.decoding")

# A field of a structured signal comes as a second net that is named like a bit of the first. The
# text formats between the synthesis passes confuse the two, and logic is lost; so these names go.
SCRIPT = """\
read_rtlil {name}.il
proc -nomux -norom
memory_collect
delete w:*\\[*
opt_clean
attrmap {removed}
attrmap -modattr {removed}
write_verilog -norename {name}.v
"""


def to_verilog(top: Elaboratable, *, name: str, platform: Any = None) -> str:
    """Verilog of a component; its ports are ``clk``, ``rst`` and the members of its signature."""
    text = to_rtlil(top, name=name, platform=platform)
    with tempfile.TemporaryDirectory(prefix="subbit-") as folder:
        path = rtlil_to_verilog(text, folder=Path(folder), name=name)
        return path.read_text()


def rtlil_to_verilog(
    text: str, *, folder: Path, name: str, progress: Progress = SILENT, log: str = "verilog.log"
) -> Path:
    """Write ``name``.v in ``folder`` from RTLIL ``text``; returns its path. Raises ToolError."""
    source, script = folder / f"{name}.il", folder / f"{name}.verilog.ys"
    source.write_text(text)
    removed = " ".join(f"-remove {attribute}" for attribute in INTERNAL)
    script.write_text(SCRIPT.format(name=name, removed=removed))
    run_tool(tools.yosys(), [script.name], folder=folder, log=log, on_line=progress.detail)
    source.unlink()
    script.unlink()
    return folder / f"{name}.v"
