"""How the pixels of an image become the input codes of an imported network, on the host."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["PIXELS", "Pixels"]

Ints = NDArray[np.int64]
PIXELS = np.arange(256)


@dataclass
class Pixels:
    """The code of each of the 256 pixel values, decided by the first node that reads the input.

    ``table``: ``(channels, 256)``, rising from 0 in every channel; None until decided.
    """

    table: Ints | None = None
    bits: int = 8

    @property
    def is_raw(self) -> bool:
        """Whether a pixel is its own code."""
        return self.table is not None and bool((self.table == PIXELS).all())

    def take_raw(self, channels: int) -> None:
        """Every pixel is its own code, of eight bits."""
        self.table, self.bits = np.tile(PIXELS, (channels, 1)), 8

    def preprocess(self) -> dict[str, Any]:
        """What a network's metadata say under ``dataset.preprocess``."""
        assert self.table is not None
        top = (1 << self.bits) - 1
        for shift in range(8):
            if (self.table == np.minimum(PIXELS >> shift, top)).all():
                return {"bits": self.bits, "shift": shift}
        # Not an empty list, even if no pixel reaches the second code.
        levels = range(1, max(int(self.table.max()), 1) + 1)
        limits = [[int((row < level).sum()) for level in levels] for row in self.table]
        same = all(row == limits[0] for row in limits)
        return {"bits": self.bits, "thresholds": limits[0] if same else limits}
