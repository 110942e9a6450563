"""Time series with classes: files .ts and .tsv of the UEA and UCR archives, and .arff of Weka.

The library that reads them, aeon, brings numba, scipy and a hundred megabytes for what is a page of
text parsing, and evaluates no limits; so they are read here.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subbit.sw.data.csv_rows import read_text
from subbit.sw.data.series_text import Series, read_arff, read_ts, read_tsv
from subbit.sw.data.source import (
    DataOptions,
    Kind,
    Reading,
    Source,
    check_size,
    int_in,
    labels_of,
)
from subbit.sw.errors import DataError

__all__ = ["SeriesFiles"]

READERS = {".ts": read_ts, ".arff": read_arff, ".tsv": read_tsv}
PARTS = ("train", "test")
MAX_LENGTH = 1 << 16
MAX_DIMENSIONS = 1 << 12


@dataclass(frozen=True)
class Places:
    """The files of a data set: of its parts, or the only one."""

    train: Path
    test: Path | None = None


class SeriesFiles(Kind):
    """A .ts or .arff file, or a pair ``NAME_TRAIN`` and ``NAME_TEST`` of these or of .tsv, named by
    the first or by the folder.

    Samples are ``[length][1][channels]``; shorter series are followed by zeros.
    """

    name = "series"
    what = "time series"
    family = "series"

    def is_it(self, path: Path) -> bool:
        """By the suffix; of a folder by the files in it."""
        if path.is_dir():
            return bool(pairs(path))
        return path.is_file() and (path.suffix.lower() in (".ts", ".arff") or is_pair(path))

    def parts(self, path: Path) -> tuple[str, ...]:
        """Train and test of a pair."""
        return PARTS if path.is_dir() or is_pair(path) else ("all",)

    def look(self, path: Path, options: DataOptions) -> Reading:
        """``length``, that of the longest series of the training set, and ``channels``."""
        found = read_file(places_of(path).train)
        return {
            "length": max(series.shape[1] for series in found.series),
            "channels": found.series[0].shape[0],
        }

    def check(self, reading: Reading) -> None:
        """Length and channels."""
        if reading.keys() != {"length", "channels"}:
            raise DataError("the network's 'reading' of series must have 'length' and 'channels'")
        int_in(reading, "length", 1, MAX_LENGTH)
        int_in(reading, "channels", 1, MAX_DIMENSIONS)

    def open(self, path: Path, part: str, reading: Reading) -> Source:
        """The series of a part."""
        files = places_of(path)
        train = read_file(files.train)
        wanted = [train] if part != "test" else []
        if part != "train" and files.test is not None:
            wanted.append(read_file(files.test))
        x = np.concatenate([array_of(found, reading) for found in wanted])
        known = train.classes or labels_of(files.train, train.labels)[1]
        names = [label for found in wanted for label in found.labels]
        labels, classes = labels_of(path, names, tuple(known))
        return Source(labels, classes, lambda places: x[places], lambda: x.data)

    def samples(self, path: Path, reading: Reading) -> tuple[list[str], NDArray[Any]]:
        """The series of a file; their labels do not count."""
        found = read_file(path)
        return [f"{path}:{row + 1}" for row in range(len(found.series))], array_of(found, reading)


def pairs(folder: Path) -> list[Path]:
    """The training sets in a folder that have a test set beside them; of two formats the first."""
    found: dict[str, Path] = {}
    for suffix in READERS:
        for path in sorted(folder.glob(f"*_TRAIN{suffix}")):
            if beside(path).is_file():
                found.setdefault(path.stem, path)
    return list(found.values())


def is_pair(path: Path) -> bool:
    """Whether a file is a training set with a test set beside it."""
    known = path.suffix.lower() in READERS and path.stem.endswith("_TRAIN")
    return known and beside(path).is_file()


def beside(path: Path) -> Path:
    """The test set beside a training set."""
    return path.with_name(f"{path.stem.removesuffix('_TRAIN')}_TEST{path.suffix}")


def places_of(path: Path) -> Places:
    """The files of a data set; raises DataError where a folder has none, or several."""
    if not path.is_dir():
        return Places(path, beside(path) if is_pair(path) else None)
    found = pairs(path)
    own = [pair for pair in found if pair.stem == f"{path.name}_TRAIN"]
    found = own or found
    if len(found) != 1:
        names = ", ".join(found_.name for found_ in found)[:200] or "none"
        raise DataError(
            f"{path} must have one pair of files NAME_TRAIN.ts and NAME_TEST.ts (or .arff); it has "
            f"{names}: name the first of a pair"
        )
    return Places(found[0], beside(found[0]))


def read_file(path: Path) -> Series:
    """The series of one file."""
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise DataError(
            f"{path} is no file of time series; name one that ends in .ts, .arff or .tsv"
        )
    return reader(path, read_text(path, comments=True))


def array_of(found: Series, reading: Reading) -> NDArray[np.float64]:
    """The series as ``[n][length][1][channels]``: cut where they are longer, and filled up with
    zeros where they are shorter.
    """
    length, channels = reading["length"], reading["channels"]
    check_size(found.path, len(found.series), (length, channels), 8)
    made = np.zeros((len(found.series), length, 1, channels))
    for row, series in enumerate(found.series):
        if series.shape[0] != channels:
            raise DataError(
                f"{found.path}, line {found.lines[row]}: {series.shape[0]} channels where the "
                f"training set has {channels}"
            )
        part = series[:, :length].T
        made[row, : len(part), 0] = part
    return made
