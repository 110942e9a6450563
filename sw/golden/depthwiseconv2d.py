"""Golden rule of a 2-D depthwise convolution."""

import torch
from torch.nn import functional

from subbit.sw.golden.conv2d import padding_value
from subbit.sw.golden.exact import integers
from subbit.sw.ir.layers.depthwiseconv2d import DepthwiseConv2d
from subbit.sw.ir.types import TensorType

__all__ = ["evaluate"]


def evaluate(
    layer: DepthwiseConv2d, types: tuple[TensorType, ...], codes: torch.Tensor
) -> torch.Tensor:
    """The convolution that DepthwiseConv2d defines; codes int64 ``[n][y][x][c]`` to integers."""
    x = integers(types[0], codes)
    if any(layer.margins):
        above, left, below, right = layer.margins
        around = (0, 0, left, right, above, below)
        x = functional.pad(x, around, value=padding_value(layer.padding, types[0]))
    # In integers throughout: torch's convolutions are in floating point.
    windows = x.unfold(1, layer.kernel, layer.stride).unfold(2, layer.kernel, layer.stride)
    weights = torch.from_numpy(layer.weights.dense()[:, 0].copy())
    return (windows * weights).sum(dim=(4, 5))
