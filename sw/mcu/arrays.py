"""Numbers as constant arrays of C."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subbit.sw.ir.arrays import Bits, Ints

__all__ = ["Constants", "bytes_of_integers", "pack_bits", "width_bytes"]

WIDTHS = (1, 2, 4, 8)
LINE = 16  # numbers


def width_bytes(low: int, high: int) -> int:
    """The narrowest of 1, 2, 4 and 8 bytes that hold ``low..high`` in two's complement."""
    return next(n for n in WIDTHS if -(1 << (8 * n - 1)) <= low and high < 1 << (8 * n - 1))


def pack_bits(rows: Bits) -> NDArray[np.uint8]:
    """Each row of bits in whole bytes, the first bit lowest."""
    return np.packbits(rows, axis=-1, bitorder="little")


def bytes_of_integers(numbers: Ints, width: int) -> NDArray[np.uint8]:
    """Integers in ``width`` bytes of two's complement each, the lowest first."""
    return np.frombuffer(numbers.astype(f"<i{width}").tobytes(), np.uint8)


@dataclass
class Constants:
    """The constant arrays of a program, in order, and how many bytes they take."""

    lines: list[str] = field(default_factory=list)
    bytes: int = 0

    def add(self, name: str, numbers: NDArray[Any], kind: str = "uint8_t") -> str:
        """An array in program memory; returns its name."""
        flat = [int(n) for n in numbers.reshape(-1)]
        self.lines.append(f"static const SUBBIT_FLASH {kind} {name}[{len(flat)}] = {{")
        self.lines += rows(flat)
        self.lines.append("};")
        self.bytes += numbers.size * (2 if kind == "int16_t" else 1)
        return name


def rows(numbers: Sequence[int]) -> list[str]:
    """The initialiser, some numbers a line."""
    return [
        f"  {', '.join(map(str, numbers[at : at + LINE]))}," for at in range(0, len(numbers), LINE)
    ]
