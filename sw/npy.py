"""One array in numpy's format, out of a file that came from elsewhere; nothing in it is run."""

import io
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subbit.sw.errors import SubbitError, quote

__all__ = ["Npy"]

HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


class Npy:
    """The array that the bytes of a ``.npy`` file are, its header read and its numbers not yet.

    ``name`` is what messages call it, ``error`` their class. Raises such an error where the bytes
    are no such file.
    """

    shape: tuple[Any, ...]
    dtype: np.dtype[Any]

    def __init__(self, name: str, content: bytes, error: type[SubbitError]) -> None:
        self.name, self.content, self.error = name, content, error
        stream = io.BytesIO(content)
        try:
            header = HEADERS[np.lib.format.read_magic(stream)](stream)
        except Exception:
            # numpy evaluates the header as a Python literal, which raises whatever that does.
            raise error(f"{quote(name)} is not in numpy's format") from None
        self.shape, self.by_column, self.dtype = header
        self.start = stream.tell()

    def array(self) -> NDArray[Any]:
        """The numbers; raises the error where they are not as many as the shape says."""
        sound = all(type(side) is int and side >= 0 for side in self.shape)
        bytes_ = len(self.content) - self.start
        if not sound or bytes_ != prod(self.shape) * self.dtype.itemsize:
            shown = quote(self.shape)
            raise self.error(
                f"the array {quote(self.name)} is cut short or too long for its shape {shown}"
            )
        flat = np.frombuffer(self.content, self.dtype, offset=self.start)
        return flat.reshape(self.shape, order="F" if self.by_column else "C")
