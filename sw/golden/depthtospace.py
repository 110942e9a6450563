"""Golden rule of channels that become rows and columns."""

import torch

from subbit.sw.ir.layers.depthtospace import DepthToSpace
from subbit.sw.ir.types import TensorType

__all__ = ["evaluate"]


def evaluate(layer: DepthToSpace, types: tuple[TensorType, ...], x: torch.Tensor) -> torch.Tensor:
    """``y[:, rows * h + i, columns * w + j, c] = x[:, h, w, (i * columns + j) * C + c]``, int64 to
    int64.
    """
    y = layer.infer(types)
    height, width = types[0].height, types[0].width
    blocks = x.reshape(-1, height, width, layer.rows, layer.columns, y.channels)
    return blocks.permute(0, 1, 3, 2, 4, 5).reshape(-1, *y.shape)
