"""MNIST, and any other set in the IDX format of MNIST's files."""

from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from subbit.sw.data.dataset import Dataset, Split, check_split
from subbit.sw.data.files import find_file, read_data
from subbit.sw.errors import DataError

__all__ = ["load_mnist", "read_idx"]

MAX_ITEMS = 1 << 20
MAX_SIDE = 1024
UNSIGNED_BYTE = 8
STEMS = {"train": "train", "test": "t10k"}


def load_mnist(split: Split, folder: Path | None) -> Dataset:
    """MNIST of one split from its two IDX files in ``folder``, plain or gzip; raises DataError."""
    check_split(split)
    images = read_idx(locate(folder, f"{STEMS[split]}-images", 3), 3)
    labels = read_idx(locate(folder, f"{STEMS[split]}-labels", 1), 1)
    if len(images) != len(labels):
        raise DataError(
            f"{folder}: {len(images)} images but {len(labels)} labels; the files are not one set's"
        )
    if labels.max() > 9:
        raise DataError(f"{folder}: a label lies outside 0..9; check the label file")
    return Dataset(images[..., None], labels.astype(np.int64), tuple(map(str, range(10))))


def locate(folder: Path | None, stem: str, rank: int) -> Path:
    """The IDX file of that stem under any of the names in use."""
    names = (f"{stem}-idx{rank}-ubyte", f"{stem}.idx{rank}-ubyte")
    return find_file(folder, tuple(n + end for n in names for end in ("", ".gz")), "MNIST")


def read_idx(path: Path, rank: int) -> NDArray[np.uint8]:
    """The array of unsigned bytes with ``rank`` dimensions in an IDX file.

    Raises DataError if the file is missing, cut short, too long, of another kind, or beyond the
    limits (1,048,576 items, 1,024 pixels a side).
    """
    start = 4 + 4 * rank
    content = read_data(path, start)
    if len(content) < start:
        raise DataError(f"{path} is cut short: {len(content)} bytes are no IDX header")
    if content[:4] != bytes((0, 0, UNSIGNED_BYTE, rank)):
        raise DataError(
            f"{path} is not an IDX file of bytes in {rank} dimensions "
            f"(it starts {content[:4].hex()})"
        )
    shape = tuple(int.from_bytes(content[i : i + 4], "big") for i in range(4, start, 4))
    if not 1 <= shape[0] <= MAX_ITEMS or any(not 1 <= side <= MAX_SIDE for side in shape[1:]):
        raise DataError(f"{path} declares the shape {shape}; it is damaged or no data set of ours")
    # No more is unpacked than the shape says: a small file may hold no end of zeros.
    wanted = start + prod(shape)
    content = read_data(path, wanted + 1)
    if len(content) != wanted:
        found = f"{len(content) - start} bytes" if len(content) < wanted else "more bytes"
        raise DataError(
            f"{path} holds {found} where its shape {shape} needs {prod(shape)}; fetch it again"
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)
