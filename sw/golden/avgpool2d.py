"""Golden rule of average pooling as sums."""

import torch
from torch.nn import functional

from subbit.sw.golden.exact import integers
from subbit.sw.ir.layers.avgpool2d import AvgPool2d
from subbit.sw.ir.layers.pooling import Pooling
from subbit.sw.ir.types import TensorType

__all__ = ["evaluate", "windows_of"]


def windows_of(layer: Pooling, x: torch.Tensor, around: int) -> torch.Tensor:
    """The windows of maps ``[n][y][x][c]`` with that number around them, ``[n][y][x][c][i][j]``."""
    (high, wide), (down, across) = layer.window.kernel, layer.window.strides
    above, left, below, right = layer.pads
    if any(layer.pads):
        x = functional.pad(x, (0, 0, left, right, above, below), value=around)
    return x.unfold(1, high, down).unfold(2, wide, across)


def evaluate(layer: AvgPool2d, types: tuple[TensorType, ...], x: torch.Tensor) -> torch.Tensor:
    """The sum of the values in each window; codes or integers int64 to integers int64."""
    return windows_of(layer, integers(types[0], x), 0).sum(dim=(4, 5))
