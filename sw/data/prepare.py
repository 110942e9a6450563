"""Data of a user made ready for training: kind, split, preprocessing and classes."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subbit.sw.data.choose import choose_preprocess
from subbit.sw.data.dataset import Dataset
from subbit.sw.data.description import Description, SeededSplit, draw_test
from subbit.sw.data.kinds import place_of
from subbit.sw.data.preprocess import preprocess
from subbit.sw.data.source import DataOptions, Kind, Source
from subbit.sw.errors import DataError, quote

__all__ = ["Prepared", "prepare"]

SHOWN = 12
# Half of what the header of a network's file may have.
MAX_DESCRIBED = 2 << 20


@dataclass(frozen=True, eq=False)
class Prepared:
    """A data set as a network takes it: ``train`` and ``test`` as they are, and the
    ``description`` by which ``codes`` are made of them.

    ``family``: pictures, class maps, audio, table or series; ``what``: the kind in words.
    """

    description: Description
    family: str
    what: str
    train: Dataset
    test: Dataset

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes."""
        return self.train.classes

    @property
    def bits(self) -> int:
        """Bits of an input code, which are unsigned."""
        return int(self.description.preprocess["bits"])

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of the codes of a sample."""
        height, width, channels = self.codes(self.train.take(1)).shape[1:]
        return height, width, channels

    def codes(self, dataset: Dataset) -> NDArray[np.uint8]:
        """The input codes ``[n][height][width][channels]`` of its samples."""
        return preprocess(dataset.images, self.description.preprocess)

    def text(self) -> str:
        """What it is, in a line."""
        names = ", ".join(self.classes[:SHOWN]) + (", ..." if len(self.classes) > SHOWN else "")
        split = self.description.split
        how = "the data's own split" if split is None else f"drawn with seed {split.seed}"
        size = "x".join(map(str, self.train.images.shape[1:]))
        return (
            f"{self.what}: {len(self.classes)} classes ({names[:200]}), samples of {size}, "
            f"{len(self.train)} to train, {len(self.test)} to test ({how}), input codes of "
            f"{self.bits} bit{'s' if self.bits > 1 else ''}"
        )


def prepare(data: Any, kind: str | None = None, options: DataOptions | None = None) -> Prepared:
    """Read the data set in ``data``, of the kind that it looks like or that is named.

    ``data``: a path, or arrays or a torch Dataset, see arrays_of. The preprocessing is chosen by
    the training samples alone. Raises DataError, naming what is wrong with which file, where it
    cannot be read, has fewer than two classes, or a class that has no sample in one of both parts.
    """
    options = options or DataOptions()
    place, found = place_of(data, kind)
    parts, reading = found.parts(place), found.look(place, options)
    split = None
    if parts == ("all",):
        whole = checked(place, found.open(place, "all", reading))
        in_test = draw_test(place, whole, options.seed, options.test)
        split = SeededSplit(options.seed, options.test, len(whole), whole.fingerprint)
        datasets = [whole.dataset(np.flatnonzero(part)) for part in (~in_test, in_test)]
    else:
        train, test = (found.open(place, part, reading) for part in parts)
        datasets = [checked(place, train).dataset(), like_training(place, train, test).dataset()]
        if datasets[0].images.shape[1:] != datasets[1].images.shape[1:]:
            raise DataError(
                f"{place}: training samples are {datasets[0].images.shape[1:]}, test samples "
                f"{datasets[1].images.shape[1:]}; bring both to one shape"
            )
    family = found.family_of(reading)
    spec = choose_preprocess(datasets[0].images, family, options)
    description = Description(found.name, reading, spec, split)
    check_described(place, description, datasets[0].classes)
    return Prepared(description, family, what(found, family), *datasets)


def check_described(place: Path, description: Description, classes: tuple[str, ...]) -> None:
    """Raise DataError where what a network's file would say of the data is too long for one."""
    size = len(json.dumps([description.to_json(), classes]))
    if size > MAX_DESCRIBED:
        raise DataError(
            f"{place}: columns, classes and thresholds take {size} bytes in the network's file, "
            f"more than {MAX_DESCRIBED}; take fewer columns or texts, or --levels or --input-bits"
        )


def what(kind: Kind, family: str) -> str:
    """The kind in words, with the family where it does not follow from it."""
    return kind.what if family == kind.family else f"{kind.what} ({family})"


def like_training(place: Path, train: Source, test: Source) -> Source:
    """The test set with the classes of the training set, of which it may lack the last ones."""
    if not len(test):
        raise DataError(f"{place} has no test samples; add some")
    if test.classes != train.classes[: len(test.classes)]:
        odd = sorted({*test.classes} ^ {*train.classes})[0]
        raise DataError(
            f"{place}: the class {quote(odd)} is in one of the training and the test set only; "
            "both need the same classes"
        )
    return replace(test, classes=train.classes)


def checked(place: Path, source: Source) -> Source:
    """The source, if it has two classes and samples of each; raises DataError."""
    if len(source.classes) < 2:
        raise DataError(
            f"{place} has {len(source.classes)} class; a network tells at least two apart"
        )
    missing = np.flatnonzero(
        np.bincount(source.labels.reshape(-1), minlength=len(source.classes)) == 0
    )
    if len(missing):
        name = source.classes[int(missing[0])]
        numbered = source.classes == tuple(map(str, range(len(source.classes))))
        advice = (
            f"labels go from 0 to {len(source.classes) - 1}; number the classes without gaps"
            if numbered
            else "add some, or remove the class"
        )
        raise DataError(f"{place}: no sample is of the class {quote(name)}: {advice}")
    return source
