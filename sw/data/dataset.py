"""What every data set loader returns."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subbit.sw.errors import DataError, quote

__all__ = ["Dataset", "Split", "check_split", "strata", "stratified"]

Split = str


@dataclass(frozen=True, eq=False)
class Dataset:
    """Samples with their labels: images, or what stands for them.

    ``images``: ``[n][height][width][channels]``, of uint8, or of float64 where they are no bytes:
    a row of a table is ``[1][1][columns]``, a series ``[length][1][channels]``. ``labels``: int64
    ``[n]``, each an index into ``classes``. ``white``: the pixel that stands for white, where 0
    stands for black. Of class maps ``labels`` are ``[n][height][width]``, one for each pixel.
    """

    images: NDArray[Any]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    white: int = 255

    def __post_init__(self) -> None:
        if self.images.ndim != 4 or len(self.images) != len(self.labels):
            raise DataError(
                f"images {self.images.shape} and labels {self.labels.shape} do not belong together"
            )
        if self.labels.shape[1:] not in ((), self.images.shape[1:3]):
            raise DataError(
                f"labels {self.labels.shape} are neither one for each image nor one for each pixel "
                f"of images {self.images.shape}"
            )
        if self.labels.size and not 0 <= self.labels.min() <= self.labels.max() < len(self.classes):
            raise DataError(
                f"a label lies outside 0..{len(self.classes) - 1}; check the label file"
            )

    def __len__(self) -> int:
        return len(self.images)

    def take(self, limit: int | None) -> "Dataset":
        """The first ``limit`` images, or all of them for None. Of a folder these are the images of
        the first classes: to measure anything, ``draw``.
        """
        return replace(self, images=self.images[:limit], labels=self.labels[:limit])

    def draw(self, count: int | None, seed: int = 1) -> NDArray[np.int64]:
        """The places, ascending, of ``count`` images drawn by ``seed``, of every class its share;
        of all images for None, or where there are no more.
        """
        if count is None or count >= len(self):
            return np.arange(len(self))
        return stratified(strata(self.labels), count, seed)

    def at(self, places: NDArray[np.int64]) -> "Dataset":
        """The images at these places."""
        return replace(self, images=self.images[places], labels=self.labels[places])


def strata(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """The class by which each sample is drawn: its label, and of class maps one for all."""
    return labels if labels.ndim == 1 else np.zeros(len(labels), np.int64)


def stratified(labels: NDArray[np.int64], count: int, seed: int) -> NDArray[np.int64]:
    """The places, ascending, of ``count`` labels drawn by ``seed`` so that of every class there are
    ``count`` times its share, rounded down or up; which are rounded up is by the fractions, and
    among equal ones drawn.
    """
    # RandomState's stream is frozen for all numpy versions, default_rng's is not.
    draw = np.random.RandomState(seed & 0xFFFFFFFF)
    classes, sizes = np.unique(labels, return_counts=True)
    quotas = count * sizes / max(len(labels), 1)
    takes = np.floor(quotas).astype(np.int64)
    fractions = (quotas - takes).round(9)
    order = np.lexsort((draw.permutation(len(classes)), -fractions))
    takes[order[: count - int(takes.sum())]] += 1
    parts = [
        draw.permutation(np.flatnonzero(labels == label))[:take]
        for label, take in zip(classes, takes, strict=True)
    ]
    return np.sort(np.concatenate([np.zeros(0, np.int64), *parts])).astype(np.int64)


def check_split(split: Split) -> None:
    """Raise DataError unless ``split`` is ``train`` or ``test``."""
    if split not in ("train", "test"):
        raise DataError(f"a data set has the splits 'train' and 'test', not {quote(split)}")
