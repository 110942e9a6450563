"""What every board has to keep: checks that the tests and the page on adding a board share."""

import re
import tomllib
from functools import cache
from pathlib import Path

from subbit.boards import Board
from subbit.hw.design.platform import board_platform, prepare
from subbit.sw.flow.process import run_tool
from subbit.sw.flow.synth import synthesise
from subbit.sw.flow.tools import find_program
from subbit.sw.flow.verilog import rtlil_to_verilog
from tests.flow.echo import Echo
from tests.paths import ROOT

__all__ = ["available", "check_platform", "missing_texts", "recounted"]

# Kinds of cells in nextpnr's table whose numbers are a Device's, by family.
KINDS = {
    "ecp5": ("TRELLIS_COMB", "TRELLIS_FF", "DP16KD", "MULT18X18D"),
    "ice40": ("ICESTORM_LC", "ICESTORM_LC", "ICESTORM_RAM", "ICESTORM_DSP"),
}


def check_platform(known: Board) -> None:
    """Hold the board to its platform: part, speed, clock, serial port and LEDs."""
    platform = board_platform(known)
    assert platform.device == known.device.name
    assert int(getattr(platform, "speed", 0)) == known.device.speed
    assert known.name == known.name.lower()


@cache
def netlist(verilog: str, fabric: str, folder: Path) -> str:
    """The netlist of a module ``top``, mapped in ``folder`` once for all boards that share it."""
    (folder / "top.v").write_text(verilog)
    return synthesise(folder, name="top", fabric=fabric).read_text()


def available(known: Board, folder: Path, shared: Path) -> list[int]:
    """The numbers of cells that nextpnr has for a board's part, from packing a design that uses
    the board's own pins: ``lut4``, ``flip_flops``, ``block_rams``, ``dsps``.
    """
    design = prepare(Echo(board=known), known)
    (folder / f"top.{known.family.constraints}").write_text(design.constraints)
    verilog = rtlil_to_verilog(design.rtlil, folder=folder, name="top").read_text()
    (folder / "top.json").write_text(netlist(verilog, known.device.fabric, shared))
    run_tool(
        find_program(known.family.router),
        [*known.family.place_arguments(known.device, "top"), "--pack-only"],
        folder=folder,
        log="pack.log",
    )
    text = (folder / "pack.log").read_text()
    counts = dict(re.findall(r"^Info:\s+([A-Z0-9_]+):\s+\d+/\s*(\d+)\s", text, re.M))
    return [int(counts[kind]) for kind in KINDS[known.device.fabric]]


def recounted(known: Board) -> list[int]:
    """The same numbers as the board's own file has them."""
    device = known.device
    return [device.lut4, device.flip_flops, device.block_rams, device.dsps]


def missing_texts(known: Board) -> list[str]:
    """The places beside its file and its row that do not name the board yet, in words."""
    name, quoted = known.name, re.compile(rf"(?<![\w-]){re.escape(known.name)}(?![\w-])")
    files = ("README.md", "Makefile", "docs/use/boards.md")
    missing = [f"{file}: no {name}" for file in files if not quoted.search(text_of(file))]
    row = next(
        (row for row in text_of("docs/use/boards.md").splitlines() if f"`{name}`" in row), ""
    )
    for number in (known.device.lut4, known.device.block_rams):
        if f"{number:,}" not in row:
            missing.append(f"docs/use/boards.md: the row of {name} does not have {number:,}")
    return missing + missing_wheels(known)


def missing_wheels(known: Board) -> list[str]:
    """What is not said of the wheel with the board's tools, if not every installation has it."""
    wheel, project = known.family.router.wheel, tomllib.loads(text_of("pyproject.toml"))["project"]
    if any(re.match(rf"{wheel}\b", line) for line in project["dependencies"]):
        return []
    builds = re.search(r"^BUILD = .*filter ([^,]*),", text_of("Makefile"), re.M)
    missing = []
    if not builds or known.name not in builds.group(1).split():
        missing.append(f"Makefile: BUILD does not bring {wheel} for {known.name}")
    if wheel not in text_of("tools/venv"):
        missing.append(f"tools/venv: no profile with {wheel}")
    return missing


def text_of(file: str) -> str:
    """A file of the project."""
    return (ROOT / file).read_text()
