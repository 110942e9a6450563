"""Golden rule of flattening."""

import torch

from subbit.sw.ir.layers.flatten import Flatten
from subbit.sw.ir.types import TensorType

__all__ = ["evaluate"]


def evaluate(layer: Flatten, types: tuple[TensorType, ...], x: torch.Tensor) -> torch.Tensor:
    """``[n][y][x][c]`` as ``[n][1][1][y*x*c]``, in the order row, column, channel."""
    return x.reshape(len(x), 1, 1, types[0].elements)
