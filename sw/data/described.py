"""Data read again as a network's file says, for its accuracy, a simulation or a board."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subbit.sw.data.dataset import Dataset
from subbit.sw.data.description import Description, draw_test
from subbit.sw.data.kinds import find_kind, place_of
from subbit.sw.data.source import DataOptions, Kind
from subbit.sw.errors import DataError, quote

__all__ = ["PARTS", "load_described", "load_other"]

PARTS = ("test", "train", "all")


def load_described(
    description: Description, data: Any, part: str, classes: Sequence[str] | None
) -> Dataset:
    """The samples of a part, ``test``, ``train`` or ``all``, of the data that a network was trained
    on, with the labels of its ``classes``.

    Raises DataError where the data are of another kind or cannot be read; where the split was drawn
    and these are not the samples that it was drawn from, unless all are asked for; and where a
    class is none of the network's.
    """
    kind = find_kind(description.kind)
    if data is None:
        raise DataError(f"the network was trained on {kind.what}; name the data with --data")
    place, found = place_of(data, None if is_path(data) and not seems(kind, data) else kind.name)
    if found.name != kind.name:
        raise DataError(
            f"{place} is {found.what}, but the network was trained on {kind.what}; "
            "name such data, or say the kind with --data-kind where it fits the network"
        )
    return take(description, found, place, part, classes)


def is_path(data: Any) -> bool:
    """Whether the data are files."""
    return isinstance(data, str | Path)


def seems(kind: Kind, data: Any) -> bool:
    """Whether files look like that kind, whatever else they look like."""
    return Path(data).exists() and kind.is_it(Path(data))


def take(
    description: Description,
    kind: Kind,
    place: Path,
    part: str,
    classes: Sequence[str] | None,
) -> Dataset:
    """The samples of a part."""
    parts, reading, split = kind.parts(place), description.reading, description.split
    if part == "all" or part in parts:
        return with_classes(place, kind.open(place, part, reading).dataset(), classes)
    if split is None:
        raise DataError(
            f"{place} has no {part} set of its own, as the network's data had; name those, or take "
            "all samples with --split all where none of them was in training"
        )
    whole = kind.open(place, "all", reading)
    if (len(whole), whole.fingerprint) != (split.samples, split.fingerprint):
        raise DataError(
            f"{place} has other samples than the {split.samples} that the network's test set was "
            f"drawn from ({len(whole)} are there), so which were in training cannot be told; name "
            "those, or take all samples with --split all where none of them was in training"
        )
    in_test = draw_test(place, whole, split.seed, split.test)
    places = np.flatnonzero(in_test if part == "test" else ~in_test)
    return with_classes(place, whole.dataset(places), classes)


def load_other(
    kind: str,
    data: Any,
    part: str,
    shape: tuple[int, int, int],
    classes: Sequence[str] | None,
) -> Dataset:
    """The samples of data of a kind that someone names, for a network that was trained on others,
    and takes samples of ``shape``; all of them where the data have no split. Raises DataError.
    """
    place, found = place_of(data, kind)
    options = DataOptions(size=shape[:2], colour=shape[2] == 3)
    reading = found.look(place, options)
    chosen = part if part in found.parts(place) else "all"
    return with_classes(place, found.open(place, chosen, reading).dataset(), classes)


def with_classes(place: Path, dataset: Dataset, classes: Sequence[str] | None) -> Dataset:
    """The samples with labels that count the network's classes, found by name."""
    if classes is None:
        return dataset
    number_of = {name: index for index, name in enumerate(classes)}
    used = np.unique(dataset.labels).tolist()
    strange = [dataset.classes[label] for label in used if dataset.classes[label] not in number_of]
    if strange:
        raise DataError(
            f"{place}: the class {quote(strange[0])} is none of the network's: "
            f"{', '.join(classes)[:200]}"
        )
    table = np.array([number_of.get(name, 0) for name in dataset.classes], np.int64)
    labels: NDArray[np.int64] = table[dataset.labels]
    return Dataset(dataset.images, labels, tuple(classes), dataset.white)
