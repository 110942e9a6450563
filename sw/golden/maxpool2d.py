"""Golden rule of max pooling."""

import torch

from subbit.sw.golden.avgpool2d import windows_of
from subbit.sw.ir.layers.maxpool2d import MaxPool2d
from subbit.sw.ir.types import TensorType

__all__ = ["evaluate"]


def evaluate(layer: MaxPool2d, types: tuple[TensorType, ...], x: torch.Tensor) -> torch.Tensor:
    """The greatest number of each window; int64 to int64."""
    return windows_of(layer, x, types[0].low).amax(dim=(4, 5))
