"""Golden rule of a threshold activation."""

import torch

from subbit.sw.ir.layers.threshold import Threshold
from subbit.sw.ir.types import TensorType

__all__ = ["evaluate"]


def evaluate(layer: Threshold, types: tuple[TensorType, ...], x: torch.Tensor) -> torch.Tensor:
    """Thresholds passed where rising, thresholds not passed elsewhere; integers to codes, int64."""
    thresholds = torch.from_numpy(layer.thresholds.copy())
    rising = torch.from_numpy(layer.rising.copy()).to(torch.int64)
    passed = count_passed(thresholds, x)
    return passed.mul_(2 * rising - 1).add_(layer.levels * (1 - rising))


def count_passed(thresholds: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """For each element of ``x`` the number of thresholds of its channel that are ``<= x``."""
    if thresholds.shape[1] == 1:
        return (x >= thresholds[:, 0]).to(torch.int64)
    by_channel = x.flatten(0, 2).T.contiguous()
    return torch.searchsorted(thresholds, by_channel, right=True).T.reshape(x.shape)
