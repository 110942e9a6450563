"""Golden rule of global average pooling as a sum."""

import torch

from subbit.sw.golden.exact import integers
from subbit.sw.ir.layers.globalavgpool import GlobalAvgPool
from subbit.sw.ir.types import TensorType

__all__ = ["evaluate"]


def evaluate(layer: GlobalAvgPool, types: tuple[TensorType, ...], x: torch.Tensor) -> torch.Tensor:
    """The sum of the values of each channel; codes or integers int64 to integers int64."""
    return integers(types[0], x).sum(dim=(1, 2), keepdim=True)
