"""Integer arrays out of a numpy archive that came from elsewhere."""

import os
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from subbit.sw.errors import NetworkError, quote
from subbit.sw.ir.limits import MAX_NPZ_ELEMENTS
from subbit.sw.loading import as_int64, loading
from subbit.sw.npy import Npy

__all__ = ["MAX_ARRAYS", "MAX_ARRAY_BYTES", "read_npz"]

MAX_ARRAYS = 256
MAX_ARRAY_BYTES = 1 << 26
Array = NDArray[np.int64]


def read_npz(path: str | os.PathLike[str]) -> dict[str, Array]:
    """All arrays of the archive by name, as int64.

    Runs nothing that the file holds, and takes no more memory than its arrays do. Raises
    NetworkError where the file cannot be read, has more than MAX_ARRAYS arrays, two of one name, or
    one that is no integer array, has a number beyond 63 bits, or is larger than MAX_ARRAY_BYTES, or
    where all hold more than MAX_NPZ_ELEMENTS.
    """
    with loading(Path(path), NetworkError, "damaged or no .npz file ({reason}); fetch it again"):
        if Path(path).exists() and not Path(path).is_file():
            raise NetworkError("not a file; name a .npz file of integer arrays")
        with zipfile.ZipFile(Path(path)) as archive:
            try:
                return read_entries(archive)
            except NetworkError as error:
                raise NetworkError(f"{error}; name a .npz file of integer arrays") from None


def read_entries(archive: zipfile.ZipFile) -> dict[str, Array]:
    """All arrays of an open archive, by name."""
    entries = archive.infolist()
    if len(entries) > MAX_ARRAYS:
        raise NetworkError(f"it holds more than {MAX_ARRAYS} arrays")
    found: dict[str, Array] = {}
    for entry in entries:
        name = entry.filename.removesuffix(".npy")
        if name in found:
            raise NetworkError(f"it holds two arrays of the name {quote(name)}")
        left = MAX_NPZ_ELEMENTS - sum(array.size for array in found.values())
        found[name] = read_array(archive, entry, left)
    return found


def read_array(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, most: int) -> Array:
    """The array in one file of the archive, of at most ``most`` elements."""
    name = entry.filename[:80]
    with archive.open(entry) as file:
        content = file.read(MAX_ARRAY_BYTES + 1)
    if len(content) > MAX_ARRAY_BYTES:
        raise NetworkError(f"the array {quote(name)} is larger than {MAX_ARRAY_BYTES} bytes")
    entry_array = Npy(name, content, NetworkError)
    kind = entry_array.dtype
    if kind.kind not in "iu":
        raise NetworkError(f"the array {quote(name)} holds {quote(str(kind))[1:-1]}, not integers")
    array = entry_array.array()
    if array.size > most:
        raise NetworkError(
            f"its arrays up to {quote(name)} hold more than {MAX_NPZ_ELEMENTS} numbers, far "
            "more than the weights that fit a board"
        )
    return as_int64(f"the array {quote(name)}", array, NetworkError)
