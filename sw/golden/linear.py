"""Golden rule of a linear layer."""

import torch
from torch.nn import functional

from subbit.sw.golden.exact import exact_float, values
from subbit.sw.ir.layers.linear import Linear
from subbit.sw.ir.types import TensorType

__all__ = ["evaluate"]


def evaluate(layer: Linear, types: tuple[TensorType, ...], codes: torch.Tensor) -> torch.Tensor:
    """``y[n,0,0,o] = sum over i of w[o,i] * x[n,0,0,i]``; codes int64 to integers int64."""
    dtype = exact_float(layer.infer(types).high)
    weights = torch.from_numpy(layer.weights.dense()).to(dtype)
    return functional.linear(values(types[0], codes, dtype), weights).to(torch.int64)
