"""What a network's file says of its data: kind, reading, preprocessing and split."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subbit.sw.data.dataset import strata, stratified
from subbit.sw.data.source import Reading, Source
from subbit.sw.errors import DataError, quote

__all__ = ["Description", "SeededSplit", "draw_test"]

PRINT = 32


@dataclass(frozen=True)
class SeededSplit:
    """A split that was drawn: of every class the share ``test``, by ``seed``; of ``samples`` with
    this ``fingerprint``, see Source.
    """

    seed: int
    test: float
    samples: int
    fingerprint: str

    def to_json(self) -> dict[str, Any]:
        """What the network's file holds under ``split``."""
        return {
            "seed": self.seed,
            "test": self.test,
            "samples": self.samples,
            "fingerprint": self.fingerprint,
        }

    @classmethod
    def from_json(cls, said: Any) -> "SeededSplit":
        """The split in a JSON value; raises DataError if it is none."""
        sound = isinstance(said, dict) and said.keys() == {*cls.__dataclass_fields__}
        if sound:
            sound = type(said["seed"]) is int and 0 <= said["seed"] < 1 << 32
            sound = sound and type(said["test"]) in (int, float) and 0 < said["test"] < 1
            sound = sound and type(said["samples"]) is int and said["samples"] > 0
            sound = sound and type(said["fingerprint"]) is str
        if not sound:
            raise DataError(
                "the network's 'split' must be 'own', or {'seed': ..., 'test': ..., 'samples': "
                f"..., 'fingerprint': ...}}, not {quote(said)}; train it again"
            )
        return cls(**said)


@dataclass(frozen=True)
class Description:
    """How samples become codes: the ``kind`` of the data, how they are ``reading``, the
    ``preprocess`` of subbit.sw.data.preprocess, and the ``split``, None where the data have one.
    """

    kind: str
    reading: Reading
    preprocess: dict[str, Any] = field(default_factory=dict)
    split: SeededSplit | None = None

    def to_json(self) -> dict[str, Any]:
        """What a network's metadata hold under ``dataset``."""
        return {
            "name": self.kind,
            "reading": self.reading,
            "preprocess": self.preprocess,
            "split": "own" if self.split is None else self.split.to_json(),
        }

    @classmethod
    def from_json(cls, said: dict[str, Any]) -> "Description | None":
        """The description in the ``dataset`` of a network's metadata; None where there is only a
        name. Raises DataError where there is one that cannot be.
        """
        from subbit.sw.data.kinds import find_kind

        if "reading" not in said:
            return None
        name, reading, split = said.get("name"), said["reading"], said.get("split")
        if type(name) is not str or not isinstance(reading, dict):
            raise DataError("the network's 'dataset' must have a 'name' and an object 'reading'")
        find_kind(name).check(reading)
        drawn = None if split == "own" else SeededSplit.from_json(split)
        return cls(name, reading, said.get("preprocess", {}), drawn)


def draw_test(place: Path, source: Source, seed: int, share: float) -> NDArray[np.bool_]:
    """For each sample whether it is in the test set: of every class about ``share``, at least one
    sample and not all; of class maps of all samples. Raises DataError, naming the ``place`` of the
    data, where a class, or data of class maps, have less than two samples.
    """
    labels = strata(source.labels)
    groups = len(source.classes) if source.labels.ndim == 1 else 1
    counts = np.bincount(labels, minlength=groups)
    if groups == 1 and counts[0] < 2:
        raise DataError(f"{place} has one sample; two are the least, one to train and one to test")
    short = np.flatnonzero(counts < 2)
    if len(short):
        name = source.classes[int(short[0])]
        has = "no sample" if not counts[short[0]] else "one sample"
        raise DataError(
            f"{place}: the class {quote(name)} has {has}; two are the least, one to train and one "
            "to test"
        )
    places = stratified(labels, round(share * len(source)), seed)
    found = np.zeros(len(source), bool)
    found[places] = True
    # RandomState's stream is frozen for all numpy versions, default_rng's is not.
    draw = np.random.RandomState(seed & 0xFFFFFFFF)
    for label in range(groups):
        members = np.flatnonzero(labels == label)
        if found[members].all() or not found[members].any():
            one = members[draw.randint(len(members))]
            found[one] = not found[one]
    return found
