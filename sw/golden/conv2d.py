"""Golden rule of a 2-D convolution."""

import torch
from torch.nn import functional

from subbit.sw.golden.exact import exact_float, values
from subbit.sw.ir.layers.conv2d import Conv2d, Padding
from subbit.sw.ir.types import TensorType

__all__ = ["evaluate"]


def evaluate(layer: Conv2d, types: tuple[TensorType, ...], codes: torch.Tensor) -> torch.Tensor:
    """The convolution that Conv2d defines; codes int64 ``[n][y][x][c]`` to integers int64."""
    dtype = exact_float(layer.infer(types).high)
    x = values(types[0], codes, dtype)
    if any(layer.margins):
        above, left, below, right = layer.margins
        around = (0, 0, left, right, above, below)
        x = functional.pad(x, around, value=padding_value(layer.padding, types[0]))
    x = x.permute(0, 3, 1, 2)
    weights = torch.from_numpy(layer.weights.dense()).to(dtype)
    y = functional.conv2d(x, weights, stride=layer.stride)
    if not torch.equal(y, y.round()):
        y = by_patches(x, weights, layer.stride)
    return y.permute(0, 2, 3, 1).to(torch.int64).contiguous()


def padding_value(padding: Padding, kind: TensorType) -> int:
    """What the elements around the input stand for."""
    low, high = kind.value_range
    return {Padding.MINUS: low, Padding.PLUS: high}.get(padding, 0)


def by_patches(x: torch.Tensor, weights: torch.Tensor, stride: int) -> torch.Tensor:
    """The convolution as one matrix product, slower and exact everywhere.

    On some processors torch convolves by Winograd's or Fourier's transform, which is inexact and
    betrays itself by fractions; a matrix product adds and multiplies and does nothing else.
    """
    patches = functional.unfold(x, weights.shape[-2:], stride=stride)
    y = weights.flatten(1) @ patches
    height, width = ((side - weights.shape[-1]) // stride + 1 for side in x.shape[-2:])
    return y.reshape(len(x), len(weights), height, width)
