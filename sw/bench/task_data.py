"""Data sets of the tasks that ``subbit bench tasks`` trains: generated ones, and those of packages.

MNIST-1D is made here after its published description (Greydanus and Kobak, "Scaling down deep
learning with MNIST-1D", 2024): ten strokes of twelve points, each padded, scaled, sheared, moved
and blurred with noise, and then sampled at forty points.
"""

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from subbit.sw.errors import DataError

__all__ = ["breast_cancer", "mnist_1d", "package_series"]

Arrays = tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]

# The height of each digit's stroke at its twelve points.
STROKES = np.array(
    [
        [5, 6, 6.5, 6.75, 7, 7, 7, 7, 6.75, 6.5, 6, 5],
        [5, 3, 3, 3.4, 3.8, 4.2, 4.6, 5, 5.4, 5.8, 5, 5],
        [5, 6, 6.5, 6.5, 6, 5.25, 4.75, 4, 3.5, 3.5, 4, 5],
        [5, 6, 6.5, 6.5, 6, 5, 5, 6, 6.5, 6.5, 6, 5],
        [5, 4.4, 3.8, 3.2, 2.6, 2.6, 5, 5, 5, 5, 5, 5],
        [5, 3, 3, 3, 3, 5, 6, 6.5, 6.5, 6, 4.5, 5],
        [5, 4, 3.5, 3.25, 3, 3, 3, 3, 3.25, 3.5, 4, 5],
        [5, 7, 7, 6.6, 6.2, 5.8, 5.4, 5, 4.6, 4.2, 5, 5],
        [5, 4, 3.5, 3.5, 4, 5, 5, 4, 3.5, 3.5, 4, 5],
        [5, 4, 3.5, 3.5, 4, 5, 5, 5, 5, 4.7, 4.3, 5],
    ]
)
STROKE, LONGEST, LEAST_PADDING, LENGTH = 12, 60, 36, 40
MOST_SHIFT, SCALE, SHEAR = 48, 0.4, 0.75
SMOOTH_NOISE, POINT_NOISE, SMOOTHNESS = 0.25, 0.02, 2.0
SEED, SAMPLES, TRAINING_SHARE = 42, 5000, 0.8


def mnist_1d(samples: int = SAMPLES, seed: int = SEED) -> Arrays:
    """MNIST-1D as ``(x_train, y_train, x_test, y_test)``, series ``[n][40][1]``; four fifths of the
    samples are for training. As many of every digit; the same for the same seed.
    """
    rng = np.random.default_rng(seed)
    labels = np.arange(samples, dtype=np.int64) % len(STROKES)
    rng.shuffle(labels)
    x = np.stack([drawn(STROKES[label], rng) for label in labels])[:, :, None]
    cut = round(TRAINING_SHARE * samples)
    return x[:cut], labels[:cut], x[cut:], labels[cut:]


def drawn(stroke: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """One sample of a digit."""
    even = (stroke - stroke.mean()) / stroke.std()
    padding = int(rng.integers(LEAST_PADDING, LONGEST + 1))
    line = np.concatenate([(even - even[0]) / 6, np.zeros(padding)])
    line = sampled(line, STROKE + LONGEST)
    line *= 1 + SCALE * (rng.random() - 0.5)
    line = np.roll(line, int(rng.integers(MOST_SHIFT)))
    line += SMOOTH_NOISE * smoothed(rng.standard_normal(len(line)))
    line += POINT_NOISE * rng.standard_normal(len(line))
    line -= SHEAR * (rng.random() - 0.5) * np.linspace(-0.5, 0.5, len(line))
    return sampled(line, LENGTH)


def sampled(line: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """``count`` points of a line, evenly spaced."""
    return np.interp(np.linspace(0, len(line) - 1, count), np.arange(len(line)), line)


def smoothed(noise: NDArray[np.float64]) -> NDArray[np.float64]:
    """Noise weighted by a normal distribution over its neighbours."""
    reach = np.arange(-4 * SMOOTHNESS, 4 * SMOOTHNESS + 1)
    weights = np.exp(-0.5 * (reach / SMOOTHNESS) ** 2)
    return np.convolve(noise, weights / weights.sum(), mode="same")


def breast_cancer() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The 569 samples of 30 columns that scikit-learn brings. Raises DataError without it."""
    try:
        found = import_module("sklearn.datasets").load_breast_cancer()
    except ImportError:
        raise DataError("the task needs scikit-learn: pip install 'subbit[train]'") from None
    return found.data, found.target.astype(np.int64)


def package_series(package: str, place: str, install: str) -> Path:
    """A file of series that a package brings, which is read and not imported.

    ``place``: below the package's folder. Raises DataError without the package, with the command
    that installs it.
    """
    found = find_spec(package)
    path = Path(*(found.submodule_search_locations or [])) / place if found else None
    if path is None or not path.is_file():
        raise DataError(f"the task needs the package {package}: {install}")
    return path
