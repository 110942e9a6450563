"""Golden rule of requantisation."""

import torch

from subbit.sw.ir.layers.requantise import Requantise
from subbit.sw.ir.types import TensorType

__all__ = ["evaluate"]


def evaluate(layer: Requantise, types: tuple[TensorType, ...], x: torch.Tensor) -> torch.Tensor:
    """``min(max((scale * x + offset) >> shift, low), high)`` by the line of each element; int64 to
    int64.
    """
    scale, offset, knee = (
        torch.from_numpy(part.copy()) for part in (layer.scale, layer.offset, layer.knee)
    )
    sums = scale[:, 0] * x + offset[:, 0]
    if layer.lines == 2:
        sums = torch.where(x < knee, scale[:, 1] * x + offset[:, 1], sums)
    return (sums >> layer.shift).clamp(layer.low, layer.high)
