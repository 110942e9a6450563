"""The table of data sets."""

from collections.abc import Callable
from pathlib import Path

from subbit.sw.data.cifar10 import load_cifar10
from subbit.sw.data.dataset import Dataset, Split
from subbit.sw.data.digits import load_digits
from subbit.sw.data.folder import load_folder
from subbit.sw.data.mnist import load_mnist
from subbit.sw.errors import DataError, quote

__all__ = ["DATASETS", "load_dataset"]

DATASETS: dict[str, Callable[[Split, Path | None], Dataset]] = {
    "digits": load_digits,
    "mnist": load_mnist,
    "cifar10": load_cifar10,
    "folder": load_folder,
}


def load_dataset(name: str, split: Split, folder: Path | None = None) -> Dataset:
    """The split ``train`` or ``test`` of a data set: ``digits``, ``mnist``, ``cifar10`` or
    ``folder``.

    ``folder`` holds its files; only ``digits`` needs none. Raises DataError, naming what is wrong
    with which file.
    """
    if name not in DATASETS:
        raise DataError(f"unknown data set {quote(name)}; known are {', '.join(DATASETS)}")
    return DATASETS[name](split, None if folder is None else Path(folder))
