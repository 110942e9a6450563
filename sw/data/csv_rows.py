"""The rows and columns of a CSV file."""

import csv
import io
from dataclasses import dataclass
from pathlib import Path

from subbit.sw.data.source import MAX_SAMPLES
from subbit.sw.errors import DataError, quote

__all__ = ["Rows", "read_rows"]

MAX_CSV_BYTES = 1 << 28
MAX_WIDTH = 4097
SEPARATORS = ",;\t"


@dataclass(frozen=True)
class Rows:
    """The cells of a table, without blanks at their ends; ``lines`` are the lines they are in."""

    path: Path
    names: list[str]
    cells: list[list[str]]
    lines: list[int]

    def column(self, name: str) -> list[str]:
        """The cells of a column; raises DataError where there is none."""
        if name not in self.names:
            raise DataError(
                f"{self.path} has no column {quote(name)}; it has {', '.join(self.names)[:200]}"
            )
        place = self.names.index(name)
        return [row[place] for row in self.cells]

    def where(self, row: int) -> str:
        """The line of a row."""
        return f"{self.path}, line {self.lines[row]}"


def read_rows(path: Path, label: str | None = None) -> Rows:
    """The table in a file of UTF-8, separated by comma, semicolon or tab, what the first line has
    most of. The first row has the names of the columns if none of its cells is a number, or if one
    is ``label``; else they are ``column 1``, ``column 2`` and so on.

    Raises DataError where it cannot be read, is larger than 268,435,456 bytes or 1,048,576 rows,
    has no rows, rows of unequal length, or two columns of one name.
    """
    text = read_text(path)
    first = text.partition("\n")[0]
    separator = max(SEPARATORS, key=first.count)
    cells, lines = list[list[str]](), list[int]()
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                cells.append([cell.strip() for cell in row])
                lines.append(reader.line_num)
            if len(cells) > MAX_SAMPLES:
                raise DataError(f"{path} has more than {MAX_SAMPLES} rows; take a part of it")
    except csv.Error as error:
        raise DataError(f"{path}, line {reader.line_num}: no CSV ({error}); save it anew") from None
    check_lengths(path, cells, lines)
    names = [f"column {place + 1}" for place in range(len(cells[0]))]
    if label in cells[0] or not any(is_number(cell) for cell in cells[0]):
        names = cells.pop(0)
        lines.pop(0)
    if not cells:
        raise DataError(f"{path} has a row of names, but no samples below it")
    twice = sorted(name for name in {*names} if names.count(name) > 1)
    if twice:
        raise DataError(f"{path} has two columns of the name {quote(twice[0])}; rename one")
    return Rows(path, names, cells, lines)


def read_text(path: Path, comments: bool = False) -> str:
    """The text of a file in UTF-8; with ``comments``, which may be in anything, other bytes become
    question marks.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_CSV_BYTES + 1)
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}; check the path") from None
    if len(content) > MAX_CSV_BYTES:
        raise DataError(f"{path} is larger than {MAX_CSV_BYTES} bytes; take a part of it")
    if b"\0" in content:
        raise DataError(f"{path} is no text; save it as text in UTF-8")
    try:
        return content.decode("utf-8-sig", "replace" if comments else "strict")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} is no UTF-8 text (byte {error.start}); save it as text in UTF-8"
        ) from None


def check_lengths(path: Path, cells: list[list[str]], lines: list[int]) -> None:
    """Raise DataError unless there are rows, all of one length."""
    if not cells:
        raise DataError(f"{path} is empty; a table has a row for each sample")
    width = len(cells[0])
    if not 2 <= width <= MAX_WIDTH:
        raise DataError(
            f"{path} has {width} columns; a table has 2 to {MAX_WIDTH}, separated by comma, "
            "semicolon or tab"
        )
    for row, line in zip(cells, lines, strict=True):
        if len(row) != width:
            raise DataError(
                f"{path}, line {line}: {len(row)} cells where the first row has {width}; put texts "
                "with the separator into quotes"
            )


def is_number(text: str) -> bool:
    """Whether a cell is a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True
