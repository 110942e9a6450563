"""The arithmetic of a sliding window in one direction."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Axis"]


@dataclass(frozen=True)
class Axis:
    """One direction of a sliding window that covers ``kernel`` elements, the gaps of a dilated one
    included, and moves by ``stride`` over ``size`` elements with ``pad`` more in front and
    ``behind`` more behind them, as many as in front where nothing is said.

    Output ``j`` covers the elements ``j * stride - pad`` to ``j * stride - pad + kernel - 1``. The
    padding behind a row serves as that in front of the next one, so that a row of windows goes
    through ``positions`` elements; where it is not ``shared``, each row has its own. Size 4, kernel
    3, stride 1, pad 1 (p: padding, the number: last element of that output)::

        element     -1   0   1   2   3   4
                     p   x   x   x   x   p
        output               0   1   2   3      first = 1, last = 4, after = 1
        a row            x   x   x   x   p      lead = 0, positions = 5
    """

    size: int
    kernel: int
    stride: int
    pad: int
    behind: int | None = None
    shared: bool = True

    @property
    def outputs(self) -> int:
        """Positions of the window."""
        behind = self.pad if self.behind is None else self.behind
        return (self.size + self.pad + behind - self.kernel) // self.stride + 1

    @property
    def first(self) -> int:
        """Last element that output 0 covers."""
        return self.kernel - 1 - self.pad

    @property
    def last(self) -> int:
        """Last element that the last output covers; ``size`` or more where that is padding."""
        return self.first + self.stride * (self.outputs - 1)

    @property
    def after(self) -> int:
        """Padding elements behind the last real one that some output covers."""
        return max(0, self.last - self.size + 1)

    @property
    def lead(self) -> int:
        """Padding elements in front of a row that the padding behind the row before does not stand
        for.
        """
        return max(0, self.pad - self.after) if self.shared else self.pad

    @property
    def brought(self) -> int:
        """Padding elements in front of a row that the row before brings."""
        return min(self.pad, self.after) if self.shared else 0

    @property
    def positions(self) -> int:
        """Elements that a row of windows goes through, one after another."""
        return self.lead + self.last + 1

    @property
    def used(self) -> int:
        """Real elements up to the last that an output covers."""
        return min(self.size, self.last + 1)

    def completes(self, elements: "range | NDArray[np.int64]") -> NDArray[np.bool_]:
        """For each element, whether it is the last one of some output."""
        x = np.asarray(elements) - self.first
        return np.isin(x, np.arange(self.outputs) * self.stride)

    def inside(self) -> NDArray[np.bool_]:
        """``(outputs, kernel)``: whether that element of that window is a real one."""
        start = np.arange(self.outputs)[:, None] * self.stride - self.pad
        elements = start + np.arange(self.kernel)
        return (elements >= 0) & (elements < self.size)
