"""Evaluating a module, whole or from the integers of one of its layers on."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from subbit.sw.nn import layers

__all__ = ["integers", "real_part", "run_module"]

BATCH = 500


def run_module(module: nn.Module, codes: NDArray[np.uint8]) -> Tensor:
    """The output of ``module`` for codes ``[n][h][w][c]``, in batches, without gradients."""
    batches = torch.split(torch.from_numpy(np.ascontiguousarray(codes)), BATCH)
    with torch.no_grad():
        return torch.cat([module(batch.permute(0, 3, 1, 2).float()) for batch in batches])


def integers(layer: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    """The integers that a layer made of ``x``, before factors made them its output ``y``."""
    return layer.exact_dot(x, layer.encoder()[0]) if isinstance(layer, layers.DotLayer) else y


def real_part(source: nn.Module, tail: list[nn.Module]) -> Callable[[Tensor], Tensor]:
    """The module's real arithmetic behind ``source``, from its integers ``(.., channels)`` on."""
    factors = source.encoder()[1] if isinstance(source, layers.DotLayer) else torch.ones(())
    numbers = [factors, *(value for module in tail for value in module.parameters())]
    dtype = torch.float64 if any(n.dtype == torch.float64 for n in numbers) else torch.float32
    sides = [] if isinstance(source, layers.CodedLinear) else [1, 1]

    def real(dots: Tensor) -> Tensor:
        x = dots.to(dtype).reshape(-1, dots.shape[-1], *sides)
        if isinstance(source, layers.DotLayer):
            x = source.apply_factors(x, factors)
        for module in tail:
            x = module(x)
        return x.reshape(dots.shape)

    return real
