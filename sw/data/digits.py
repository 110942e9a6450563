"""scikit-learn's bundled digits: 1,797 real images of 8x8 pixels from 0 to 16."""

from importlib import import_module
from pathlib import Path

import numpy as np

from subbit.sw.data.dataset import Dataset, Split, check_split
from subbit.sw.errors import ToolError

__all__ = ["load_digits"]

SPLIT_SEED = 2021
TEST_SHARE = 0.2
WHITE = 16


def load_digits(split: Split, folder: Path | None = None) -> Dataset:
    """The digits of one split; ``folder`` is not needed.

    The split is fixed: of every class, a fifth drawn with a fixed seed is the test set (359
    images). Raises ToolError if scikit-learn is missing.
    """
    check_split(split)
    try:
        sklearn = import_module("sklearn.datasets")
    except ImportError:
        raise ToolError(
            "the digits data set comes with scikit-learn; install it with: "
            "pip install 'subbit[train]'"
        ) from None
    source = sklearn.load_digits()
    labels = source.target.astype(np.int64)
    # RandomState's stream is frozen for all numpy versions, default_rng's is not.
    draw = np.random.RandomState(SPLIT_SEED)
    in_test = np.zeros(len(labels), bool)
    for label in range(10):
        members = np.flatnonzero(labels == label)
        in_test[draw.permutation(members)[: round(TEST_SHARE * len(members))]] = True
    chosen = in_test if split == "test" else ~in_test
    images = source.images[chosen].astype(np.uint8)[..., None]
    return Dataset(images, labels[chosen], tuple(map(str, range(10))), WHITE)
