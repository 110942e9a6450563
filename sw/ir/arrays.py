"""Integer arrays that cannot change and whose shape and range have been checked."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from subbit.sw.errors import NetworkError

__all__ = ["Bits", "Ints", "as_bits", "as_ints"]

Bits = NDArray[np.uint8]
Ints = NDArray[np.int64]


def as_bits(name: str, array: Any, shape: tuple[int, ...]) -> Bits:
    """A read-only uint8 copy of ``array``; every element must be 0 or 1 and the shape as given."""
    bits = np.asarray(array)
    if bits.shape != shape:
        raise NetworkError(f"{name} must have shape {shape}, not {bits.shape}")
    if not np.issubdtype(bits.dtype, np.integer) and bits.dtype != np.bool_:
        raise NetworkError(f"{name} must hold integers, not {bits.dtype}")
    if bits.size and not (bits.min() >= 0 and bits.max() <= 1):
        raise NetworkError(f"{name} must hold only the bits 0 and 1")
    return frozen(bits, np.uint8)


def as_ints(name: str, array: Any, shape: tuple[int, ...], low: int, high: int) -> Ints:
    """A read-only int64 copy of ``array`` with the shape and within the range given."""
    numbers = np.asarray(array)
    if numbers.shape != shape:
        raise NetworkError(f"{name} must have shape {shape}, not {numbers.shape}")
    if not np.issubdtype(numbers.dtype, np.integer):
        raise NetworkError(f"{name} must hold integers, not {numbers.dtype}")
    if numbers.size and not (low <= int(numbers.min()) and int(numbers.max()) <= high):
        raise NetworkError(
            f"{name} must lie in {low}..{high}, not {numbers.min()}..{numbers.max()}"
        )
    return frozen(numbers, np.int64)


def frozen(array: NDArray[Any], dtype: type[np.integer[Any]]) -> NDArray[Any]:
    """The array as a read-only contiguous copy."""
    copy = np.array(array, dtype, order="C", copy=True)
    copy.setflags(write=False)
    return copy
