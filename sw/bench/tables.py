"""The tables of the documentation, made of stored measurements.

A page has a place for each, which is filled in and never edited by hand:

    <!-- table: NAME -->
    ...
    <!-- end -->

subbit.sw.bench.pages does so for all pages.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from subbit.sw.bench.records import Record, load_record
from subbit.sw.errors import SubbitError

__all__ = ["Column", "Table", "fill", "load_records", "markdown"]

PLACE = re.compile(r"(<!-- table: ([a-z0-9-]+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Column:
    """A column: its title, and the cell of a row.

    ``cell`` is a key of the row (``mapped.lut4`` for one inside another), or a function of it;
    ``form`` how the value is written. A value that is None or missing leaves the cell empty.
    """

    title: str
    cell: str | Callable[[Row], object]
    form: str = ""

    def text(self, row: Row) -> str:
        """The cell as text."""
        value: Any = row
        if callable(self.cell):
            value = self.cell(row)
        else:
            for key in self.cell.split("."):
                value = value.get(key) if isinstance(value, Mapping) else None
        if value is None:
            return ""
        whole = isinstance(value, int) and not isinstance(value, bool)
        return format(value, self.form or ("," if whole else ""))


@dataclass(frozen=True)
class Table:
    """A table: the measurements that it shows, by name or pattern, its columns, and the rows that
    one measurement makes. ``tools``: those whose versions matter.
    """

    records: tuple[str, ...]
    columns: tuple[Column, ...]
    rows: Callable[[Any], Iterable[Row]] = lambda result: [result]
    tools: tuple[str, ...] = ("yosys", "nextpnr-ecp5")


def load_records(folder: Path) -> dict[str, Record]:
    """All measurements of a folder, by name. Raises SubbitError."""
    return {path.stem: load_record(path) for path in sorted(folder.glob("*.json"))}


def markdown(table: Table, records: Mapping[str, Record]) -> str:
    """The table's text, each row with the command that measured it. Raises SubbitError where a
    measurement is missing.
    """
    chosen = []
    for pattern in table.records:
        names = [name for name in records if fnmatch(name, pattern)]
        chosen += [records[name] for name in names if records[name].result is not None]
        if not names:
            raise SubbitError(f"docs/measurements has no {pattern}.json; measure it first")
    several = len(chosen) > 1
    titles = [column.title for column in table.columns] + ["`subbit bench`"] * several
    lines = [titles, ["---"] * len(titles)]
    for record in chosen:
        command = f"`{short(record.command)}`"
        for row in table.rows(record.result):
            lines.append([column.text(row) for column in table.columns] + [command] * several)
    text = "\n".join(f"| {' | '.join(cells)} |".replace("|  |", "| |") for cells in lines)
    return f"{text}\n\n{origin(table, chosen)}\n"


def short(command: str) -> str:
    """A command without what all have in common."""
    return command.removeprefix("subbit bench ").removesuffix(" --json")


def origin(table: Table, records: Sequence[Record]) -> str:
    """Where the numbers come from: the command where it is one for all rows, and versions."""
    sources = []
    for record in records:
        tools = dict(record.tools)
        known = [f"{name} {tools[name]}" for name in table.tools if name in tools]
        sources.append(", ".join([f"subbit {record.measured}", *known]))
    said = "; ".join(dict.fromkeys(sources))
    command = f"`{records[0].command}`, " if len(records) == 1 else ""
    return f"*Measured by {command}{said}.*" if command else f"*Measured with {said}.*"


def fill(text: str, tables: Mapping[str, Table], records: Mapping[str, Record]) -> str:
    """A page with all its tables filled in. Raises SubbitError for one that is not known."""

    def filled(found: re.Match[str]) -> str:
        if found[2] not in tables:
            raise SubbitError(f"no table {found[2]!r}; sw/bench/doc_tables.py has {list(tables)}")
        return f"{found[1]}\n{markdown(tables[found[2]], records)}\n{found[4]}"

    return PLACE.sub(filled, text)
