"""Tables of numbers and categories with a column of classes: CSV files."""

from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subbit.sw.data.csv_rows import Rows, read_rows
from subbit.sw.data.source import DataOptions, Kind, Reading, Source, check_size, labels_of
from subbit.sw.errors import DataError, quote

__all__ = ["CsvFiles"]

LABELS = ("class", "label", "target", "y")
MAX_CATEGORIES = 64
MAX_COLUMNS = 4096
PARTS = ("train", "test")
Reals = NDArray[np.float64]


@dataclass(frozen=True)
class Column:
    """A column of a table, of numbers, or one of whose texts each is a number 0 or 1 of its own."""

    name: str
    values: tuple[str, ...] | None = None

    def to_json(self) -> dict[str, Any]:
        """What the network's file says of it."""
        row: dict[str, Any] = {"name": self.name}
        return row if self.values is None else row | {"values": list(self.values)}


class CsvFiles(Kind):
    """A .csv or .tsv file with a row for each sample, or a folder with ``train.csv`` and
    ``test.csv``. Samples are ``[1][1][columns]``, a column of texts being one for each text.
    """

    name = "csv"
    what = "a table (CSV)"
    family = "table"

    def is_it(self, path: Path) -> bool:
        """By the suffix, or the names of both files."""
        if path.is_dir():
            return all((path / f"{part}.csv").is_file() for part in PARTS)
        series = path.stem.endswith(("_TRAIN", "_TEST")) and path.suffix.lower() == ".tsv"
        return path.is_file() and path.suffix.lower() in (".csv", ".tsv") and not series

    def parts(self, path: Path) -> tuple[str, ...]:
        """Train and test in a folder."""
        return PARTS if path.is_dir() else ("all",)

    def look(self, path: Path, options: DataOptions) -> Reading:
        """``label``, the column of the classes: that which is said, or named class, label, target
        or y, or the last; and the other ``columns``, with the ``values`` of those of texts.
        """
        rows = self.rows(path, self.parts(path)[0], options.label)
        label = label_column(rows, options.label)
        names = [name for name in rows.names if name != label]
        if not 1 <= len(names) <= MAX_COLUMNS:
            raise DataError(
                f"{rows.path} has {len(names)} columns beside {quote(label)}, the classes; 1 to "
                f"{MAX_COLUMNS} are taken"
            )
        columns = [column_of(rows, name).to_json() for name in names]
        return {"label": label, "columns": columns}

    def check(self, reading: Reading) -> None:
        """Label and columns."""
        columns_of(reading)

    def open(self, path: Path, part: str, reading: Reading) -> Source:
        """The rows of a part."""
        wanted = [part] if part in self.parts(path) else list(self.parts(path))
        tables = [self.rows(path, name, reading["label"]) for name in wanted]
        x = np.concatenate([matrix(rows, columns_of(reading)) for rows in tables])
        names = [text for rows in tables for text in label_texts(rows, reading["label"])]
        known = None
        if len(self.parts(path)) == 2:
            every = label_texts(self.rows(path, "train", reading["label"]), reading["label"])
            known = labels_of(path, every)[1]
        labels, classes = labels_of(path, names, known)
        return Source(labels, classes, lambda places: x[places], lambda: x.data)

    def samples(self, path: Path, reading: Reading) -> tuple[list[str], NDArray[Any]]:
        """The rows of a file, of which the column of the classes need not be there."""
        rows = read_rows(path, reading["label"])
        found = matrix(rows, columns_of(reading))
        return [f"{path}:{rows.lines[row]}" for row in range(len(found))], found

    def rows(self, path: Path, part: str, label: str | None) -> Rows:
        """The rows of the file of a part."""
        return read_rows(path / f"{part}.csv" if path.is_dir() else path, label)


def label_column(rows: Rows, said: str | None) -> str:
    """The name of the column that holds the classes."""
    if said is not None:
        if said not in rows.names:
            raise DataError(
                f"{rows.path} has no column {quote(said)}; it has {', '.join(rows.names)[:200]}"
            )
        return said
    named = [name for name in rows.names if name.casefold() in LABELS]
    return named[0] if len(named) == 1 else rows.names[-1]


def label_texts(rows: Rows, label: str) -> list[str]:
    """The class of each row."""
    cells = rows.column(label)
    for row, text in enumerate(cells):
        if not text:
            raise DataError(
                f"{rows.where(row)}: the class in column {quote(label)} is missing; fill it in, or "
                "leave the row out"
            )
    return cells


def column_of(rows: Rows, name: str) -> Column:
    """What a column holds: numbers, or texts where there are few and hardly any is a number."""
    cells = rows.column(name)
    values = sorted(set(cells))
    texts = [text for text in values if number(text) is None]
    if not texts:
        return Column(name)
    if len(values) <= MAX_CATEGORIES and 2 * len(texts) > len(values) and "" not in values:
        return Column(name, tuple(values))
    row = cells.index(texts[0])
    raise DataError(f"{rows.where(row)}: {cell_fault(name, cells[row])}")


def cell_fault(name: str, text: str) -> str:
    """What to say of a cell that is no number."""
    if not text:
        return f"column {quote(name)} is empty; fill it in, or leave the row or the column out"
    return (
        f"column {quote(name)} holds {quote(text[:80])}, no number; a column holds numbers, or at "
        f"most {MAX_CATEGORIES} different texts"
    )


def columns_of(reading: Reading) -> list[Column]:
    """The columns that a network's file describes; raises DataError."""
    rows = reading.get("columns")
    sound = reading.keys() == {"label", "columns"} and type(reading["label"]) is str
    sound = sound and isinstance(rows, list) and 1 <= len(rows) <= MAX_COLUMNS
    found = [column_from(row) for row in rows] if sound and isinstance(rows, list) else []
    columns = [column for column in found if column is not None]
    if not columns or len(columns) < len(found):
        raise DataError(
            "the network's 'reading' of a table must be {'label': ..., 'columns': [{'name': ...}, "
            f"...]}}, not {quote(reading)}; train it again"
        )
    return columns


def column_from(row: Any) -> Column | None:
    """The column in a JSON value; None if it is none."""
    if not isinstance(row, dict) or type(row.get("name")) is not str:
        return None
    if row.keys() == {"name"}:
        return Column(row["name"])
    values = row.get("values")
    sound = row.keys() == {"name", "values"} and isinstance(values, list)
    if not sound or not 1 <= len(values or ()) <= MAX_CATEGORIES:
        return None
    texts = tuple(value for value in values or () if type(value) is str)
    return Column(row["name"], texts) if len(texts) == len(values or ()) else None


def matrix(rows: Rows, columns: list[Column]) -> Reals:
    """The numbers of the rows, ``[n][1][1][numbers]``."""
    width = sum(1 if column.values is None else len(column.values) for column in columns)
    check_size(rows.path, len(rows.cells), (width,), 8)
    parts = [numbers(rows, column) for column in columns]
    return np.ascontiguousarray(np.concatenate(parts, axis=1)[:, None, None, :])


def numbers(rows: Rows, column: Column) -> Reals:
    """The numbers of one column, ``[n][1]``, or a 0 or 1 for each of its texts."""
    cells = rows.column(column.name)
    if column.values is None:
        found = [number(text) for text in cells]
        if None in found:
            row = found.index(None)
            raise DataError(f"{rows.where(row)}: {cell_fault(column.name, cells[row])}")
        return np.array(found, np.float64)[:, None]
    places = {text: place for place, text in enumerate(column.values)}
    made = np.zeros((len(cells), len(places)))
    for row, text in enumerate(cells):
        if text not in places:
            raise DataError(
                f"{rows.where(row)}: column {quote(column.name)} holds {quote(text[:80])}, none of "
                f"the texts of the training set: {', '.join(places)[:200]}"
            )
        made[row, places[text]] = 1
    return made


def number(text: str) -> float | None:
    """The finite number that a cell is; None if it is none."""
    try:
        found = float(text)
    except ValueError:
        return None
    return found if isfinite(found) else None
