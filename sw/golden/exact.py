"""Sums of products of integers in floating point, where that is exact and fast."""

import torch

from subbit.sw.ir.types import Encoding, TensorType

__all__ = ["exact_float", "integers", "values"]


def values(kind: TensorType, codes: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """What ``codes`` of the type stand for, in a float type: ``2u - (2**M - 1)`` where bipolar."""
    x = codes.to(dtype)
    return x.mul_(2).sub_(kind.high) if kind.encoding is Encoding.BIPOLAR else x


def exact_float(bound: int) -> torch.dtype:
    """The fastest float type in which all integers of magnitude up to ``bound`` are exact.

    Sums of products are exact in it, in any order, if no partial sum exceeds ``bound``. Integers of
    a Network have at most 48 bits, and float64 holds 53.
    """
    return torch.float32 if bound < 1 << 24 else torch.float64


def integers(kind: TensorType, codes: torch.Tensor) -> torch.Tensor:
    """What stored numbers of the type stand for, as int64; an integer stands for itself."""
    return 2 * codes - kind.high if kind.encoding is Encoding.BIPOLAR else codes
