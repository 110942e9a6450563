"""Golden rule of concatenating channels."""

import torch

from subbit.sw.ir.layers.concat import Concat
from subbit.sw.ir.types import TensorType, recoding

__all__ = ["evaluate"]


def evaluate(layer: Concat, types: tuple[TensorType, ...], *parts: torch.Tensor) -> torch.Tensor:
    """The channels of all inputs one behind the other, each value as the output stores it; codes or
    integers int64 to int64.
    """
    to = layer.infer(types)
    found = []
    for kind, part in zip(types, parts, strict=True):
        factor, offset = recoding(kind, to)
        found.append(factor * part + offset)
    return torch.cat(found, dim=3)
