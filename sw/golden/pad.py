"""Golden rule of a border around a map."""

import torch
from torch.nn import functional

from subbit.sw.ir.layers.pad import Pad
from subbit.sw.ir.types import TensorType, recoding

__all__ = ["evaluate"]


def evaluate(layer: Pad, types: tuple[TensorType, ...], x: torch.Tensor) -> torch.Tensor:
    """The map with its border, as the output's type stores them; int64 to int64."""
    to = layer.infer(types)
    factor, offset = recoding(types[0], to)
    above, left, below, right = layer.margins
    around = (0, 0, left, right, above, below)
    return functional.pad(factor * x + offset, around, value=layer.stored(to))
