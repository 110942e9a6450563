"""Golden rule of a 2-D depthwise convolution."""

import torch

from subbit.sw.golden.conv2d import surrounded
from subbit.sw.golden.exact import integers
from subbit.sw.ir.layers.depthwiseconv2d import DepthwiseConv2d
from subbit.sw.ir.types import TensorType

__all__ = ["evaluate"]


def evaluate(
    layer: DepthwiseConv2d, types: tuple[TensorType, ...], codes: torch.Tensor
) -> torch.Tensor:
    """The convolution that DepthwiseConv2d defines; codes int64 ``[n][y][x][c]`` to integers."""
    x, window = surrounded(layer, types[0], integers(types[0], codes)), layer.window
    (high, wide), (down, across), (dy, dx) = window.reach, window.strides, window.dilations
    # In integers throughout: torch's convolutions are in floating point.
    windows = x.unfold(1, high, down).unfold(2, wide, across)[..., ::dy, ::dx]
    weights = torch.from_numpy(layer.weights.dense()[:, 0].copy())
    return (windows * weights).sum(dim=(4, 5))
