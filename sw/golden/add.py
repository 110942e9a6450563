"""Golden rule of adding two tensors."""

import torch

from subbit.sw.golden.exact import integers
from subbit.sw.ir.layers.add import Add
from subbit.sw.ir.types import TensorType

__all__ = ["evaluate"]


def evaluate(
    layer: Add, types: tuple[TensorType, ...], a: torch.Tensor, b: torch.Tensor
) -> torch.Tensor:
    """``a * 2**shift_a + b * 2**shift_b`` of the values; codes or integers int64 to int64."""
    left, right = (integers(kind, x) for kind, x in zip(types, (a, b), strict=True))
    return left * (1 << layer.shift_a) + right * (1 << layer.shift_b)
