"""What every data set loader returns."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from subbit.sw.errors import DataError

__all__ = ["Dataset", "Split", "check_split"]

Split = str


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images with their labels.

    ``images``: uint8 ``[n][height][width][channels]``; ``labels``: int64 ``[n]``, each an index
    into ``classes``.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.images.ndim != 4 or len(self.images) != len(self.labels):
            raise DataError(
                f"images {self.images.shape} and labels {self.labels.shape} do not belong together"
            )
        if self.labels.size and not 0 <= self.labels.min() <= self.labels.max() < len(self.classes):
            raise DataError(
                f"a label lies outside 0..{len(self.classes) - 1}; check the label file"
            )

    def __len__(self) -> int:
        return len(self.images)

    def take(self, limit: int | None) -> "Dataset":
        """The first ``limit`` images, or all of them for None."""
        return Dataset(self.images[:limit], self.labels[:limit], self.classes)


def check_split(split: Split) -> None:
    """Raise DataError unless ``split`` is ``train`` or ``test``."""
    if split not in ("train", "test"):
        raise DataError(f"a data set has the splits 'train' and 'test', not {split!r}")
