"""Signs with straight-through gradients."""

from typing import Any

import torch
from torch import Tensor

__all__ = ["approx_sign", "clipped_sign", "hard_sign", "pass_gradient"]


def hard_sign(x: Tensor) -> Tensor:
    """+1 where ``x >= 0``, else -1: the sign of activations and plain weights, sign(0) = +1."""
    return torch.where(x >= 0, 1.0, -1.0).to(x.dtype)


class ApproxSign(torch.autograd.Function):
    """Sign whose gradient is that of a piecewise quadratic, ``2 - 2|x|`` on [-1, 1]
    (Bi-Real Net).
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        """The sign of every element."""
        ctx.save_for_backward(x)
        return hard_sign(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        """The gradient times ``max(0, 2 - 2|x|)``."""
        (x,) = ctx.saved_tensors
        slope: Tensor = (2 - 2 * x.abs()).clamp_(min=0)
        return gradients[0] * slope


def approx_sign(x: Tensor) -> Tensor:
    """sign(x) with sign(0) = +1; gradient ``max(0, 2 - 2|x|)``."""
    result: Tensor = ApproxSign.apply(x)  # type: ignore[no-untyped-call]
    return result


def pass_gradient(value: Tensor, source: Tensor) -> Tensor:
    """``value``, exactly, with the gradient of ``source``."""
    if not source.requires_grad:
        return value
    # The difference is 0 exactly, so values stay integers however the sum is rounded.
    return value.detach() + (source - source.detach())


def clipped_sign(latent: Tensor) -> Tensor:
    """sign(latent) with sign(0) = +1; the gradient passes unchanged where ``|latent| <= 1``."""
    return pass_gradient(hard_sign(latent), latent.clamp(-1, 1))
