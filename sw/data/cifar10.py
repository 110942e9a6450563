"""CIFAR-10 in its binary version."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from subbit.sw.data.dataset import Dataset, Split, check_split
from subbit.sw.data.files import find_file, read_data
from subbit.sw.errors import DataError

__all__ = ["CLASSES", "load_cifar10"]

CLASSES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)
RECORD_BYTES = 1 + 3 * 32 * 32
FILES = {
    "train": tuple(f"data_batch_{i}.bin" for i in range(1, 6)),
    "test": ("test_batch.bin",),
}


def load_cifar10(split: Split, folder: Path | None) -> Dataset:
    """CIFAR-10 of one split from ``folder`` or its sub-folder ``cifar-10-batches-bin``; raises
    DataError.
    """
    check_split(split)
    parts = []
    for name in FILES[split]:
        names = (name, f"cifar-10-batches-bin/{name}")
        parts.append(read_records(find_file(folder, names, "the binary version of CIFAR-10")))
    records = np.concatenate(parts)
    planes = records[:, 1:].reshape(-1, 3, 32, 32)
    images = np.ascontiguousarray(planes.transpose(0, 2, 3, 1))
    return Dataset(images, records[:, 0].astype(np.int64), CLASSES)


def read_records(path: Path) -> NDArray[np.uint8]:
    """The records of one file, ``[n][3073]``: a label, then red, green and blue planes."""
    content = read_data(path)
    if not content or len(content) % RECORD_BYTES:
        raise DataError(
            f"{path} holds {len(content)} bytes, not a whole number of "
            f"{RECORD_BYTES}-byte records; fetch it again"
        )
    records = np.frombuffer(content, np.uint8).reshape(-1, RECORD_BYTES)
    if records[:, 0].max() >= len(CLASSES):
        raise DataError(f"{path} has the label {records[:, 0].max()}; it is no CIFAR-10 batch")
    return records
