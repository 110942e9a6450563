"""Elements and bits side by side in one number, as memories and streams hold them."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["pack_elements", "pack_rows"]


def pack_elements(elements: Iterable[int], bits: int) -> int:
    """The elements side by side as one number, each in ``bits`` bits, the first one lowest."""
    mask = (1 << bits) - 1
    return sum((int(value) & mask) << (bits * place) for place, value in enumerate(elements))


def pack_rows(bits: NDArray[Any]) -> list[int]:
    """Each row of bits as a number, the first one lowest."""
    rows = np.packbits(bits.astype(np.uint8), axis=1, bitorder="little")
    size = rows.shape[1]
    if 0 < size <= 8:  # many short words, as numpy makes them fastest
        padded = np.zeros((len(rows), 8), np.uint8)
        padded[:, :size] = rows
        short: list[int] = padded.view("<u8").ravel().tolist()
        return short
    data = rows.tobytes()
    return [int.from_bytes(data[at : at + size], "little") for at in range(0, len(data), size)]
