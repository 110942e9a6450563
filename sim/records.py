"""The files between the test bench and Python: beats in hex, and the cycles in which they moved."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from subbit.hw.contract.unit import Beats, Lanes
from subbit.sim.testbench import CYCLE_DIGITS

__all__ = ["Record", "read_faults", "write_beats"]

HEX = np.frombuffer(b"0123456789abcdef", np.uint8)
NIBBLE = np.full(256, 255, np.uint8)
NIBBLE[HEX] = np.arange(16)


@dataclass(frozen=True)
class Record:
    """The file that a monitor wrote of one stream: a line of fixed length for every beat."""

    path: Path
    lanes: Lanes

    @property
    def line_bytes(self) -> int:
        """Bytes of a line: cycle, blank, payload, line feed."""
        return CYCLE_DIGITS + 2 + hex_digits(self.lanes)

    def __len__(self) -> int:
        """Beats in the file; a stream without any has none."""
        return self.path.stat().st_size // self.line_bytes if self.path.exists() else 0

    def read(self, start: int, count: int) -> tuple[Beats, NDArray[np.int64]]:
        """Elements ``(n, lanes)`` and cycles ``(n,)`` of up to ``count`` beats from ``start``."""
        count = max(0, min(count, len(self) - start))
        if not count:
            return np.zeros((0, self.lanes.lanes), np.int64), np.zeros(0, np.int64)
        size = self.line_bytes
        raw = np.fromfile(self.path, np.uint8, count * size, offset=start * size)
        digits = NIBBLE[raw.reshape(count, size)]
        places = 1 << 4 * np.arange(CYCLE_DIGITS - 1, -1, -1, dtype=np.int64)
        cycles = digits[:, :CYCLE_DIGITS].astype(np.int64) @ places
        return elements(digits[:, CYCLE_DIGITS + 1 : -1], self.lanes), cycles


def hex_digits(lanes: Lanes) -> int:
    """Digits of a beat."""
    return -(-lanes.width // 4)


def elements(digits: NDArray[np.uint8], lanes: Lanes) -> Beats:
    """The elements that lines of hex digits stand for, sign included."""
    bits = (digits[:, ::-1, None] >> np.arange(4, dtype=np.uint8)) & 1
    bits = bits.reshape(len(digits), -1)[:, : lanes.width]
    weights = 1 << np.arange(lanes.bits, dtype=np.int64)
    if lanes.signed:
        weights[-1] = -weights[-1]
    values = np.zeros((len(digits), lanes.lanes), np.int64)
    for place, weight in enumerate(weights):
        values += weight * bits[:, place :: lanes.bits]
    return values


def write_beats(path: Path, beats: Beats, lanes: Lanes) -> None:
    """Write beats ``(n, lanes)`` as the source reads them."""
    bits = (beats[:, :, None] >> np.arange(lanes.bits)) & 1
    bits = bits.reshape(len(beats), -1).astype(np.uint8)
    padded = np.zeros((len(beats), 4 * hex_digits(lanes)), np.uint8)
    padded[:, : lanes.width] = bits
    nibbles = padded.reshape(len(beats), -1, 4) @ np.array([1, 2, 4, 8], np.uint8)
    lines = np.full((len(beats), nibbles.shape[1] + 1), ord("\n"), np.uint8)
    lines[:, :-1] = HEX[nibbles[:, ::-1]]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(lines.tobytes())


def read_faults(path: Path) -> list[int]:
    """The cycles in which a stream withdrew or changed a beat on offer."""
    return [int(line, 16) for line in path.read_text().split()] if path.exists() else []
