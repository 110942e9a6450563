"""Golden rule of average pooling as sums."""

import torch

from subbit.sw.golden.exact import integers
from subbit.sw.ir.layers.avgpool2d import AvgPool2d
from subbit.sw.ir.types import TensorType

__all__ = ["evaluate"]


def evaluate(layer: AvgPool2d, types: tuple[TensorType, ...], x: torch.Tensor) -> torch.Tensor:
    """The sum of the values in each window; codes or integers int64 to integers int64."""
    x = integers(types[0], x)
    windows = x.unfold(1, layer.kernel, layer.stride).unfold(2, layer.kernel, layer.stride)
    return windows.sum(dim=(4, 5))
