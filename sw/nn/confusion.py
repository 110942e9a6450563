"""Which classes are taken for which, as a picture."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from subbit.sw.atomic import write_atomic
from subbit.sw.errors import DataError

__all__ = ["confusion_of", "save_confusion"]

# With more classes than these the numbers cannot be read, and the colours must do.
MOST_NUMBERS, MOST_NAMES = 20, 60
NAME = 16
Ints = NDArray[np.int64]


def confusion_of(labels: Ints, predicted: Ints, classes: int) -> Ints:
    """How many images of each class (rows) are taken for each (columns)."""
    counts = np.bincount(labels * classes + predicted, minlength=classes * classes)
    return counts.reshape(classes, classes).astype(np.int64)


def save_confusion(matrix: Ints, classes: Sequence[str], title: str, path: Path) -> None:
    """Write the matrix to a PNG, coloured by the share of each row; raises DataError where it
    cannot be written.
    """
    from matplotlib.figure import Figure

    count = len(classes)
    side = min(max(0.45 * count, 4.0), 16.0)
    figure = Figure(figsize=(side + 1.5, side + 1.0), layout="constrained")
    axes = figure.add_subplot()
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set(title=title, xlabel="taken for", ylabel="class")
    if count <= MOST_NAMES:
        names = [name[:NAME] for name in classes]
        axes.set_xticks(range(count), names, rotation=90)
        axes.set_yticks(range(count), names)
    if count <= MOST_NUMBERS:
        for row, column in np.argwhere(matrix):
            colour = "white" if shares[row, column] > 0.5 else "black"
            number = str(matrix[row, column])
            axes.text(column, row, number, ha="center", va="center", color=colour, fontsize=8)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=120)
    try:
        write_atomic(path, buffer.getvalue())
    except OSError as error:
        raise DataError(f"cannot write the picture {path}: {error.strerror}") from None
