"""How near predictions are to what was wanted: accuracy, F1, intersection over union, errors."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["accuracy", "confusion", "mean_absolute_error", "mean_f1", "mean_iou"]

Ints = NDArray[np.int64]


def confusion(predicted: Ints, wanted: Ints, classes: int) -> Ints:
    """``[wanted][predicted]``: how many elements of each class were given each class.

    Both: classes of one shape, predictions in ``0..classes-1``. Elements of which another class is
    wanted, such as -1 or 255, do not count.
    """
    known = (wanted >= 0) & (wanted < classes)
    pairs = wanted[known] * classes + predicted[known]
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def accuracy(table: Ints) -> float:
    """The share of elements whose class was found, of a table of ``confusion``; 0 of none."""
    return float(np.trace(table) / max(int(table.sum()), 1))


def mean_f1(table: Ints) -> float:
    """The mean over the classes that occur or are given of ``2 TP / (2 TP + FP + FN)``."""
    return mean_of(2 * np.diag(table), table.sum(axis=0) + table.sum(axis=1))


def mean_iou(table: Ints) -> float:
    """The mean over the same classes of intersection over union, ``TP / (TP + FP + FN)``."""
    hits = np.diag(table)
    return mean_of(hits, table.sum(axis=0) + table.sum(axis=1) - hits)


def mean_of(parts: Ints, wholes: Ints) -> float:
    """The mean of the shares whose whole is not 0; 0 where all are."""
    there = wholes > 0
    return float((parts[there] / wholes[there]).mean()) if there.any() else 0.0


def mean_absolute_error(predicted: Ints, wanted: Ints) -> float:
    """The mean distance of numbers of one shape; 0 of none."""
    return float(np.abs(predicted - wanted).mean()) if predicted.size else 0.0
