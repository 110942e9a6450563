"""The files around a core's Verilog: datasheet, template, core file, constraint, bench."""

import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from subbit.sw.ip.core import Core
from subbit.sw.ip.datasheet import datasheet

__all__ = ["core_files"]

PROJECT = {
    "Makefile": "Makefile.txt",
    "test/run.py": "run.txt",
    "test/bench.py": "bench.txt",
    "test/buses.py": "buses.txt",
}


def core_files(core: Core, vectors: Mapping[str, Any]) -> dict[str, str]:
    """All files but the Verilog, by path."""
    folder, name = files("subbit.sw.ip") / "project", core.name
    found = {
        path: (folder / template).read_text().replace("@NAME@", name).replace("@BUS@", core.bus)
        for path, template in PROJECT.items()
    }
    return {
        **found,
        "README.md": datasheet(core),
        f"{name}.core": core_file(core),
        f"{name}_template.v": template_of(core),
        f"constraints/{name}.sdc": constraint(core),
        "test/vectors.json": json.dumps(vectors, indent=1) + "\n",
    }


def core_file(core: Core) -> str:
    """What FuseSoC reads."""
    return f"""\
CAPI=2:
name: "subbit:cores:{core.name}:1.0.0"
description: "{described(core)}"

filesets:
  rtl:
    files: ["rtl/{core.name}.v"]
    file_type: verilogSource
  constraints:
    files: ["constraints/{core.name}.sdc"]
    file_type: SDC

targets:
  default:
    filesets: [rtl]
    toplevel: {core.name}
  lint:
    filesets: [rtl]
    toplevel: {core.name}
    flow: lint
    flow_options:
      tool: verilator
      verilator_options: ["-Wno-fatal"]
"""


def described(core: Core) -> str:
    """The network in a few words of plain letters."""
    letters = "".join(c if c.isalnum() or c in " -_." else "_" for c in core.network.name)
    return f"{letters}, a neural network, digest {core.network.digest[:16]}"


def range_of(bits: int) -> str:
    """The range of a port of so many bits."""
    return f"[{bits - 1}:0] " if bits > 1 else ""


def template_of(core: Core) -> str:
    """An instance with a wire for each port."""
    wires = "\n".join(f"wire {range_of(bits)}{name};" for name, _, bits in core.ports)
    width = max(len(name) for name, _, _ in core.ports)
    joined = ",\n".join(f"    .{name:{width}} ({name})" for name, _, _ in core.ports)
    return f"""\
// {described(core)}: copy from here into your design.

{wires}

{core.name} {core.name}_instance (
{joined}
);
"""


def constraint(core: Core) -> str:
    """The clock, as most tools read it, and how nextpnr is told."""
    period_ns = 1e9 / core.clock_hz
    mhz = core.clock_hz / 1e6
    return f"""\
# The clock that {core.name} is expected to reach on a {core.board}; take that of your design.
# All ports belong to it. nextpnr takes --freq {mhz:.1f}, or for an ECP5 in the LPF file
#   FREQUENCY PORT "{core.clock}" {mhz:.1f} MHZ;
create_clock -name {core.clock} -period {period_ns:.3f} [get_ports {core.clock}]
"""
