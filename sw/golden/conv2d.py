"""Golden rule of a 2-D convolution."""

from dataclasses import replace

import torch
from torch.nn import functional

from subbit.sw.golden.exact import exact_float, values
from subbit.sw.ir.layers.conv2d import Conv2d, Padding
from subbit.sw.ir.layers.convolution import Convolution
from subbit.sw.ir.types import TensorType
from subbit.sw.ir.window import NO_PADS, Window

__all__ = ["evaluate", "surrounded"]


def evaluate(layer: Conv2d, types: tuple[TensorType, ...], codes: torch.Tensor) -> torch.Tensor:
    """The convolution that Conv2d defines; codes int64 ``[n][y][x][c]`` to integers int64."""
    dtype = exact_float(layer.infer(types).high)
    x = values(types[0], codes, dtype)
    x = surrounded(layer, types[0], x).permute(0, 3, 1, 2)
    weights, window = torch.from_numpy(layer.weights.dense()).to(dtype), layer.window
    y = functional.conv2d(
        x, weights, stride=window.strides, dilation=window.dilations, groups=layer.groups
    )
    if not torch.equal(y, y.round()):
        parts = zip(x.chunk(layer.groups, 1), weights.chunk(layer.groups), strict=True)
        y = torch.cat([by_patches(some, own, window) for some, own in parts], 1)
    return y.permute(0, 2, 3, 1).to(torch.int64).contiguous()


def surrounded(layer: Convolution, kind: TensorType, x: torch.Tensor) -> torch.Tensor:
    """``x`` ``[n][y][x][c]``, values of that type, with the layer's padding around its maps."""
    above, left, below, right = layer.window.pads
    if not any(layer.window.pads):
        return x
    around = (0, 0, left, right, above, below)
    return functional.pad(x, around, value=padding_value(layer.padding, kind))


def padding_value(padding: Padding, kind: TensorType) -> int:
    """What the elements around the input stand for."""
    low, high = kind.value_range
    return {Padding.MINUS: low, Padding.PLUS: high}.get(padding, 0)


def by_patches(x: torch.Tensor, weights: torch.Tensor, window: Window) -> torch.Tensor:
    """The convolution as one matrix product, slower and exact everywhere.

    On some processors torch convolves by Winograd's or Fourier's transform, which is inexact and
    betrays itself by fractions; a matrix product adds and multiplies and does nothing else.
    """
    patches = functional.unfold(
        x, weights.shape[-2:], stride=window.strides, dilation=window.dilations
    )
    y = weights.flatten(1) @ patches
    sides = replace(window, pads=NO_PADS).outputs(*x.shape[-2:])
    return y.reshape(len(x), len(weights), *sides)
