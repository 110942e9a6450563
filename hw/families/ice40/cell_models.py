"""Verilog models of the iCE40 cells that Yosys maps to: those that come with it."""

import re
from pathlib import Path

from subbit.sw.errors import ToolError

__all__ = ["cell_models"]

HEAD = """\
// verilator lint_off SPECIFYIGN
// verilator lint_off INITIALDLY
"""
WANTED = re.compile(r"SB_(LUT4|CARRY|DFF\w*|RAM40_4K\w*|MAC16)")
MODULE = re.compile(r"^module (\w+) ?\(.*?^endmodule", re.MULTILINE | re.DOTALL)


def cell_models(yosys_data: Path) -> str:
    """Verilog of every cell that synthesis for iCE40 may leave in an accelerator.

    ``yosys_data``: the folder of Yosys's own files. Raises ToolError where they are missing.
    """
    try:
        text = (yosys_data / "ice40" / "cells_sim.v").read_text()
    except OSError as error:
        raise ToolError(f"Yosys's cell models are missing ({error}); reinstall Yosys") from None
    definitions = text[: text.index("\nmodule ")]
    models = [m.group() for m in MODULE.finditer(text) if WANTED.fullmatch(m.group(1))]
    return HEAD + definitions + "\n" + "\n".join(models) + "\n"
