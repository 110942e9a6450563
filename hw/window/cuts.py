"""The windows of frames in the order of beats, by padding and a strided view."""

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from subbit.hw.contract.unit import Beats
from subbit.sw.ir.window import Window

__all__ = ["WindowCuts"]


@dataclass(frozen=True)
class WindowCuts:
    """How beats are cut from the windows of a frame: ``pixels`` output pixels side by side, of
    ``rows`` rows; ``channels`` channels at a time, of one of ``groups`` groups; each vector of a
    group ``folds`` times over.
    """

    window: Window
    pixels: int
    rows: int
    channels: int
    groups: int
    folds: int

    def beats(self, frames: Beats, pad_code: int) -> Beats:
        """Of frames ``[n][y][x][c]`` with that code around them: ``(frame, y / r, x / c, group,
        fold, chunk, pixel row, pixel column, channel, ky, kx)`` where pixels are r rows of c.
        """
        (above, left, below, right), (kh, kw) = self.window.pads, self.window.kernel
        (down, across), (dy, dx) = self.window.strides, self.window.dilations
        edges = ((0, 0), (above, below), (left, right), (0, 0))
        padded = np.pad(frames, edges, constant_values=pad_code)
        views = sliding_window_view(padded, self.window.reach, axis=(1, 2))
        views = views[:, ::down, ::across, :, ::dy, ::dx]
        r, c = self.rows, self.pixels // self.rows
        places = (views.shape[1] // r, r, views.shape[2] // c, c)
        parts = views.reshape(len(views), *places, self.groups, -1, self.channels, kh, kw)
        ordered = parts.transpose(0, 1, 3, 5, 6, 2, 4, 7, 8, 9)[:, :, :, :, None]
        found: Beats = np.repeat(ordered, self.folds, axis=4)
        return found
