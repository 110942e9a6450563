"""What every kind of data set has: how it is told from others, looked at, and read."""

import hashlib
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subbit.sw.data.dataset import Dataset
from subbit.sw.errors import DataError, quote

__all__ = [
    "MAX_BYTES",
    "MAX_CLASSES",
    "MAX_SAMPLES",
    "DataOptions",
    "Kind",
    "Reading",
    "Source",
    "check_size",
    "int_in",
    "labels_of",
]

MAX_SAMPLES = 1 << 20
MAX_CLASSES = 1024
MAX_BYTES = 1 << 31
Reading = dict[str, Any]
Places = NDArray[np.int64]


@dataclass(frozen=True)
class DataOptions:
    """What a user may say of a data set before training; None leaves it to the data.

    ``size``: height and width that pictures are scaled to; ``colour``: whether they have three
    channels instead of one; ``label``: the column of a table that holds the classes. ``test``: the
    share of the samples, more than 0 and at most 0.9, drawn by class and ``seed`` for the test set
    where the data have no split of their own. ``bits``: of an input code, 1 to 8; ``levels``: of a
    thermometer code instead, 1 to 64 for each channel.
    """

    size: tuple[int, int] | None = None
    colour: bool | None = None
    label: str | None = None
    test: float = 0.2
    seed: int = 1
    bits: int | None = None
    levels: int | None = None

    def __post_init__(self) -> None:
        sides = self.size or (1, 1)
        ranges = [
            ("the share of the test set", self.test, 0.001, 0.9),
            ("the seed of the split", self.seed, 0, (1 << 32) - 1),
            ("the bits of an input code", 1 if self.bits is None else self.bits, 1, 8),
            ("the levels of a thermometer code", 1 if self.levels is None else self.levels, 1, 64),
            ("the height of pictures", sides[0], 1, 1024),
            ("the width of pictures", sides[1], 1, 1024),
        ]
        for what, value, low, high in ranges:
            if not low <= value <= high:
                raise DataError(f"{what} must be {low} to {high}, not {value}")
        if self.bits is not None and self.levels is not None:
            raise DataError("say the bits of an input code or the levels of a thermometer code")


@dataclass(frozen=True, eq=False)
class Source:
    """A data set, or a part of one, whose samples are read when they are asked for.

    ``labels``: int64 ``[n]``, each an index into ``classes``, or of class maps
    ``[n][height][width]``. ``read``: the samples at some places,
    ``[k][height][width][channels]``, uint8 or float64. ``names``: what tells the samples apart, of
    which the fingerprint is made. ``white``: as of a Dataset.
    """

    labels: Places
    classes: tuple[str, ...]
    read: Callable[[Places], NDArray[Any]]
    names: Callable[[], bytes | memoryview]
    white: int = 255

    def __len__(self) -> int:
        return len(self.labels)

    def dataset(self, places: Places | None = None) -> Dataset:
        """The samples at these places, or all."""
        places = np.arange(len(self)) if places is None else places
        return Dataset(self.read(places), self.labels[places], self.classes, self.white)

    @property
    def fingerprint(self) -> str:
        """32 hex digits that other samples, labels, or names of classes would change."""
        total = hashlib.sha256(repr(self.classes).encode())
        total.update(self.labels.astype("<i8").tobytes())
        total.update(self.names())
        return total.hexdigest()[:32]


class Kind(ABC):
    """A kind of data set: ``name`` as in ``--data-kind``, ``what`` it is in words, ``family``.

    Families say which networks fit: ``pictures``, ``class maps`` (pictures with a class for each
    pixel), ``audio``, ``table`` or ``series``. ``inside``:
    what its files are called, where they must lie in a folder.
    """

    name: str
    what: str
    family: str
    inside = ""

    @abstractmethod
    def is_it(self, path: Path) -> bool:
        """Whether a file or folder looks like this kind; reads no more than names and a few
        bytes.
        """

    @abstractmethod
    def parts(self, path: Path) -> tuple[str, ...]:
        """``("train", "test")`` where the data are split already, else ``("all",)``."""

    @abstractmethod
    def look(self, path: Path, options: DataOptions) -> Reading:
        """How the data are to be read, from what is in them and what the user says; JSON values."""

    @abstractmethod
    def check(self, reading: Reading) -> None:
        """Raise DataError unless ``reading``, out of a network's file, is one that look makes."""

    @abstractmethod
    def open(self, path: Path, part: str, reading: Reading) -> Source:
        """One of ``parts``, or ``all`` of them; raises DataError, naming file and fault."""

    def family_of(self, reading: Reading) -> str:
        """The family of data that are read in this way."""
        return self.family

    def samples(self, path: Path, reading: Reading) -> tuple[list[str], NDArray[Any]]:
        """The samples in a file without labels, and their names; raises DataError."""
        raise DataError(f"{path}: a network for {self.what} classifies no single files")


def check_size(path: Path, count: int, shape: tuple[int, ...], itemsize: int = 1) -> None:
    """Raise DataError where ``count`` samples of a shape are more than a data set may have."""
    size = count * itemsize * int(np.prod(shape, dtype=object))
    if count > MAX_SAMPLES or size > MAX_BYTES:
        raise DataError(
            f"{path}: {count} samples of {'x'.join(map(str, shape))} are {size} bytes; a data set "
            f"has at most {MAX_SAMPLES} samples and {MAX_BYTES} bytes: take a part of it"
        )


def labels_of(
    path: Path, names: list[str], known: tuple[str, ...] | None = None
) -> tuple[Places, tuple[str, ...]]:
    """Labels and classes, for the name of the class of each sample.

    Classes are in the order of ``known``, else of their numbers where all are integers, else
    alphabetical. Raises DataError where there are too many, or one that is not known.
    """
    counts = Counter(names)
    if known is None:
        if len(counts) > MAX_CLASSES:
            raise DataError(
                f"{path}: the labels have {len(counts)} different values, more than {MAX_CLASSES} "
                "classes; networks here tell classes apart: name the column of the classes"
            )
        known = tuple(sorted(counts, key=by_number if all(map(is_int, counts)) else str))
    place = {name: index for index, name in enumerate(known)}
    strange = sorted(counts.keys() - place.keys())
    if strange:
        raise DataError(
            f"{path}: the class {quote(strange[0])} is none of {', '.join(known)[:200]}; name the "
            "classes as in the training set"
        )
    return np.array([place[name] for name in names], np.int64), known


def is_int(text: str) -> bool:
    """Whether a label is an integer."""
    return text.removeprefix("-").isdecimal() and text.isascii() and len(text) < 20


def by_number(text: str) -> int:
    """The number that a label is."""
    return int(text)


def int_in(reading: Reading, key: str, low: int, high: int) -> int:
    """The integer ``reading[key]``; raises DataError unless it lies in ``low..high``."""
    value = reading.get(key)
    if type(value) is not int or not low <= value <= high:
        raise DataError(
            f"the network's 'reading' must have {key!r} in {low}..{high}, not {quote(value)}; "
            "train it again"
        )
    return value
