"""The texts of .ts and .arff files, parsed without a library."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from subbit.sw.data.source import MAX_BYTES, MAX_CLASSES, MAX_SAMPLES
from subbit.sw.errors import DataError, quote

__all__ = ["Series", "read_arff", "read_ts", "read_tsv"]

TRUE = ("true", "yes", "1")


@dataclass(frozen=True, eq=False)
class Series:
    """Series ``[channels][length]``, each with its label and the line that it is in; ``classes`` in
    the order of the file's header, empty where it names none.
    """

    path: Path
    series: list[NDArray[np.float64]]
    labels: list[str]
    lines: list[int]
    classes: list[str]


def lines_of(text: str) -> Iterator[tuple[int, str]]:
    """The lines that are neither empty nor comments, with their numbers."""
    for number, line in enumerate(text.split("\n"), 1):
        line = line.strip()
        if line and line[0] not in "#%":
            yield number, line


def read_ts(path: Path, text: str) -> Series:
    """The series of a .ts file: channels are separated by colons, numbers by commas, and the class
    stands last. Raises DataError for time stamps, missing values, and series without classes.
    """
    header: dict[str, list[str]] = {}
    found, lines = Series(path, [], [], [], []), lines_of(text)
    for number, line in lines:
        key, *values = line.split()
        if not key.startswith("@"):
            raise DataError(
                f"{path}, line {number}: {quote(line[:40])} before @data; the header of a .ts file "
                "is lines that begin with @"
            )
        if key.lower() == "@data":
            check_header(path, header)
            found.classes.extend(header["@classlabel"][1:])
            for where, row in lines:
                *channels, label = row.split(":")
                add(found, where, channels, label.strip())
            return checked(found)
        header[key.lower()] = values
    raise DataError(f"{path} has no line @data; it is no .ts file, or cut short")


def check_header(path: Path, header: dict[str, list[str]]) -> None:
    """Raise DataError where the header says what is not taken."""
    if (header.get("@timestamps") or ["false"])[0].lower() in TRUE:
        raise DataError(f"{path} has time stamps; save the series at even intervals without them")
    if (header.get("@classlabel") or ["false"])[0].lower() not in TRUE:
        raise DataError(f"{path} has no classes (@classLabel true ...); networks here tell classes")


def read_arff(path: Path, text: str) -> Series:
    """The series of an .arff file: numeric attributes, or one relational one whose rows are the
    channels, and last the class. Raises DataError for anything else.
    """
    relational = False
    found, lines = Series(path, [], [], [], []), lines_of(text)
    for number, line in lines:
        key, rest = (*line.split(None, 1), "")[:2]
        match key.lower():
            case "@data":
                if not found.classes:
                    raise DataError(f"{path} has no attribute {{a,b,...}} of classes at its end")
                for where, row in lines:
                    add_arff(found, where, row, relational)
                return checked(found)
            case "@attribute":
                relational = relational or rest.lower().endswith("relational")
                if rest.endswith("}"):
                    inside = rest[rest.find("{") + 1 : -1]
                    found.classes[:] = [name.strip().strip("'\"") for name in inside.split(",")]
            case "@relation" | "@end":
                pass
            case _:
                raise DataError(
                    f"{path}, line {number}: {quote(line[:40])} before @data; the header of an "
                    ".arff file is @relation and @attribute"
                )
    raise DataError(f"{path} has no line @data; it is no .arff file, or cut short")


def read_tsv(path: Path, text: str) -> Series:
    """The series of a .tsv file of the UCR archive: the class first, then the numbers, between
    tabs; NaN at the end of a series is not counted. Raises DataError for other missing values.
    """
    found = Series(path, [], [], [], [])
    for number, line in lines_of(text):
        label, *cells = line.split("\t")
        while cells and cells[-1].strip().lower() == "nan":
            cells.pop()
        add(found, number, [",".join(cells)], label.strip())
    return checked(found)


def add_arff(found: Series, number: int, line: str, relational: bool) -> None:
    """Add the series of a line."""
    try:
        (cells,) = csv.reader([line], quotechar=line[0] if line[0] in "'\"" else '"')
    except (csv.Error, ValueError):
        raise DataError(
            f"{found.path}, line {number}: cannot tell its cells; check the quotes"
        ) from None
    *values, label = (cell.strip() for cell in cells)
    channels = values[0].split("\\n") if relational and values else [",".join(values)]
    add(found, number, channels, label.strip("'\""))


def add(found: Series, number: int, channels: list[str], label: str) -> None:
    """Add a series; raises DataError where a value is missing or no finite number."""
    where = f"{found.path}, line {number}"
    if not channels or not all(channels):
        raise DataError(f"{where}: no numbers before the class; a line is a series and its class")
    if len(found.series) >= MAX_SAMPLES:
        raise DataError(f"{found.path} has more than {MAX_SAMPLES} series; take a part of it")
    if found.classes and label not in found.classes:
        raise DataError(
            f"{where}: the class {quote(label)} is none of {', '.join(found.classes)[:200]}, which "
            "the header names"
        )
    rows = [numbers(where, channel) for channel in channels]
    if len({len(row) for row in rows}) > 1:
        raise DataError(f"{where}: its channels have unequal numbers of values; make them alike")
    found.series.append(np.stack(rows))
    found.labels.append(label)
    found.lines.append(number)


def numbers(where: str, text: str) -> NDArray[np.float64]:
    """The numbers between commas."""
    cells = text.split(",")
    try:
        values = np.array([float(cell) for cell in cells])
    except ValueError:
        odd = next(cell.strip() for cell in cells if not is_number(cell))
        fault = "a value is missing" if odd in ("?", "") else f"{quote(odd[:40])} is no number"
        raise DataError(f"{where}: {fault}; fill it in, or leave the series out") from None
    if not np.isfinite(values).all():
        raise DataError(f"{where}: it holds NaN or infinite numbers; leave the series out")
    return values


def is_number(text: str) -> bool:
    """Whether a cell is a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def checked(found: Series) -> Series:
    """The series, if there are any, of one number of channels, and not more than fit."""
    if not found.series:
        raise DataError(f"{found.path} has no series")
    channels = len(found.series[0])
    for row, series in enumerate(found.series):
        if len(series) != channels:
            raise DataError(
                f"{found.path}, line {found.lines[row]}: {len(series)} channels where the first "
                f"series has {channels}"
            )
    longest = max(series.shape[1] for series in found.series)
    if len(set(found.classes)) > MAX_CLASSES or len(set(found.classes)) < len(found.classes):
        raise DataError(f"{found.path}: its header names a class twice, or more than {MAX_CLASSES}")
    if len(found.series) * channels * longest * 8 > MAX_BYTES:
        raise DataError(f"{found.path} would need more than {MAX_BYTES} bytes; take a part of it")
    return found
