"""Integer arrays out of a numpy archive that came from elsewhere."""

import io
import os
import zipfile
import zlib
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from subbit.sw.errors import NetworkError
from subbit.sw.ir.limits import MAX_NPZ_ELEMENTS

__all__ = ["MAX_ARRAYS", "MAX_ARRAY_BYTES", "read_npz"]

MAX_ARRAYS = 256
MAX_ARRAY_BYTES = 1 << 26
Array = NDArray[np.int64]
HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def read_npz(path: str | os.PathLike[str]) -> dict[str, Array]:
    """All arrays of the archive by name, as int64.

    Runs nothing that the file holds, and takes no more memory than its arrays do. Raises
    NetworkError where the file cannot be read, has more than MAX_ARRAYS arrays, or one that is no
    integer array or larger than MAX_ARRAY_BYTES, or where all hold more than MAX_NPZ_ELEMENTS.
    """
    try:
        with zipfile.ZipFile(Path(path)) as archive:
            entries = archive.infolist()
            if len(entries) > MAX_ARRAYS:
                raise NetworkError(f"it holds more than {MAX_ARRAYS} arrays")
            arrays: dict[str, Array] = {}
            for entry in entries:
                left = MAX_NPZ_ELEMENTS - sum(array.size for array in arrays.values())
                arrays[entry.filename.removesuffix(".npy")] = read_array(archive, entry, left)
            return arrays
    except NetworkError as error:
        raise NetworkError(f"{path}: {error}; name a .npz file of integer arrays") from None
    except OSError as error:
        raise NetworkError(f"{path}: {error.strerror}; check the path") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError):
        raise NetworkError(f"{path}: damaged or no .npz file; fetch it again") from None


def read_array(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, most: int) -> Array:
    """The array in one file of the archive, of at most ``most`` elements."""
    name = entry.filename[:80]
    with archive.open(entry) as file:
        content = file.read(MAX_ARRAY_BYTES + 1)
    if len(content) > MAX_ARRAY_BYTES:
        raise NetworkError(f"the array {name!r} is larger than {MAX_ARRAY_BYTES} bytes")
    stream = io.BytesIO(content)
    try:
        shape, by_column, kind = HEADERS[np.lib.format.read_magic(stream)](stream)
    except (KeyError, ValueError):
        raise NetworkError(f"{name!r} is not in numpy's format") from None
    if not np.issubdtype(kind, np.integer):
        raise NetworkError(f"the array {name!r} holds {kind}, not integers")
    if prod(shape) > most:
        raise NetworkError(
            f"its arrays up to {name!r} hold more than {MAX_NPZ_ELEMENTS} numbers, far more than "
            "the weights that fit a board"
        )
    start = stream.tell()
    if len(content) - start != prod(shape) * kind.itemsize:
        raise NetworkError(f"the array {name!r} is cut short or too long for its shape {shape}")
    flat = np.frombuffer(content, kind, offset=start)
    return flat.reshape(shape, order="F" if by_column else "C").astype(np.int64)
