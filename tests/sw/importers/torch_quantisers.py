"""Torch modules whose quantisers are written with comparisons, where, rounding and functions of
their own.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.sw.importers.operator_graphs import CHANNELS, binary

__all__ = ["CODED", "PASSED_STEPS", "Direct"]

ROW = torch.linspace(-0.5, 0.5, CHANNELS).reshape(1, CHANNELS, 1, 1)


class Direct(nn.Module):
    """``middle`` between a convolution and a last layer, which wants codes."""

    def __init__(self, middle: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.middle = middle
        self.first = binary(nn.Conv2d(2, CHANNELS, 3, bias=False))
        self.last = binary(nn.Linear(CHANNELS * 36, 5, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        return self.last(torch.flatten(self.middle(self.first(x) / 512), 1))


class Binarised(torch.autograd.Function):
    """Sign with a gradient that passes, as binary networks have it."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, scale: float = 1.0) -> Tensor:  # type: ignore[override]
        ctx.save_for_backward(x)
        return torch.where(x >= 0, scale, -scale)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:  # type: ignore[override]
        return grad, None


class Rounded(torch.autograd.Function):
    """Rounding with a gradient that passes, in the newer form."""

    @staticmethod
    def forward(x: Tensor) -> Tensor:  # type: ignore[override]
        return torch.round(x)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        pass

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:  # type: ignore[override]
        return grad


def straight_through(x: Tensor) -> Tensor:
    """Codes forwards, x backwards."""
    quantised = torch.round(x.clamp(-1.0, 1.0) * 4) / 4
    return x + (quantised - x).detach()


def detached(x: Tensor) -> Tensor:
    """The same, in another order."""
    return x.sign().detach() - x.detach() + x


def ternary(x: Tensor) -> Tensor:
    """-1, 0 and 1 around two limits."""
    return (x > 0.25).float() - (x < -0.25).float()


def by_hand(x: Tensor) -> Tensor:
    """A quantiser of two bits, written out."""
    q = torch.clamp(torch.floor(x / 0.25 + 0.5), -2, 1)
    return q.mul(0.25).to(x.dtype)


CODED: dict[str, Callable[[Tensor], Tensor]] = {
    "where": lambda x: torch.where(x > 0, 1.0, -1.0),
    ".where": lambda x: torch.ones_like(x).where(x >= 0, -torch.ones_like(x)),
    "x.where": lambda x: torch.clamp(torch.round(x), -1, 1).where(x.lt(0.25), torch.zeros_like(x)),
    "where of channels": lambda x: torch.where(x > ROW, torch.full_like(x, 0.5), -0.5),
    "gt": lambda x: (x > 0).float() * 2 - 1,
    "ge": lambda x: 2 * x.ge(0).to(torch.float32) - 1,
    "lt": lambda x: torch.lt(x, 0).type(torch.float32),
    "le": lambda x: x.le(0.25).type_as(x),
    "torch.gt": lambda x: torch.gt(x, 0.0).int().float(),
    "torch.ge": lambda x: torch.ge(x, ROW).long().float(),
    "torch.le": lambda x: torch.le(x, 0.0).to(x) + torch.eq(x, 5.0).float(),
    ".gt": lambda x: x.gt(0).float() - x.gt(0.25).float(),
    "eq": lambda x: (x == 0).float() + (x != 0.125).float() - x.eq(0.25).float() + x.ne(0).float(),
    "ne": lambda x: torch.ne(x, 0.0).float() + 1.0,
    "logic": lambda x: ((x > -0.5) & (x < 0.5) | ~(x <= 1) ^ (x >= 2)).float(),
    "torch logic": lambda x: torch.logical_or(
        torch.logical_and(x > -0.5, x < 0.25), torch.logical_xor(x > 1, torch.logical_not(x < 1.5))
    ).float(),
    ".logic": lambda x: (
        (x > 0).logical_and(x < 1).logical_or(x < -1).logical_xor((x > 0.5).logical_not()).float()
    ),
    "bool": lambda x: torch.clamp(torch.round(x), -1, 1).bool().float(),
    "sign": lambda x: torch.sign(x + 0.001),
    "ternary": ternary,
    "trunc": lambda x: torch.trunc(x.clamp(-2.5, 2.5)),
    ".trunc": lambda x: x.clamp(-2.5, 2.5).trunc().clone(),
    "heaviside": lambda x: torch.heaviside(x, torch.tensor(1.0)),
    "by hand": by_hand,
    "autograd": lambda x: Binarised.apply(x),
    "autograd with a scale": lambda x: Binarised.apply(x, 0.25),
    "autograd round": lambda x: Rounded.apply(torch.clamp(x * 4, 0, 7)) / 4,
    "straight through": straight_through,
    "detached": detached,
    "data": lambda x: x.data.sign(),
    "torch.detach": lambda x: torch.detach(
        torch.clone(torch.round(torch.minimum(x, torch.ones(1))))
    ),
    "fake": lambda x: torch.fake_quantize_per_tensor_affine(x, 0.1, 3, -8, 7),
}
PASSED_STEPS: dict[str, Callable[[Tensor], Tensor]] = {
    **{f"functional.{f.__name__}": f for f in (functional.hardswish, functional.silu)},
    **{f"functional.{f.__name__}": f for f in (functional.gelu, functional.mish, functional.celu)},
    **{f"nn.{m.__name__}": m() for m in (nn.Hardswish, nn.SiLU, nn.GELU, nn.Mish, nn.CELU)},
    **{f"torch.{f.__name__}": f for f in (torch.abs, torch.exp, torch.erf, torch.square)},
    ".abs": lambda x: x.abs().square().exp() - 1,
    ".pow": lambda x: x.pow(2.0) - x**3 + torch.pow(x, 2.0),
    "log": lambda x: torch.log(torch.abs(x) + 0.5),
    "sqrt": lambda x: torch.sqrt(x.abs()),
    "reciprocal": lambda x: torch.reciprocal(x.abs() + 1),
    "maximum": lambda x: torch.maximum(x, ROW).minimum(torch.tensor(0.75)).maximum(torch.zeros(1)),
    "clamp_min": lambda x: (
        torch.clamp_max(torch.clamp_min(x, -0.5), 0.5).clamp_min(-1).clamp_max(1)
    ),
    ".sqrt": lambda x: x.abs().sqrt().erf() - (x.abs() + 1).log().add(1).reciprocal(),
    "product": lambda x: x * torch.sigmoid(x),
    "quotient": lambda x: x / (1 + x.abs()),
    "difference": lambda x: x - torch.tanh(x),
    "LeakyReLU": nn.LeakyReLU(-0.1),
    "ELU": nn.ELU(-1.0),
    "leaky_relu": lambda x: functional.leaky_relu(x, -0.1),
    "elu": lambda x: functional.elu(x, alpha=-1.0),
    "prelu": lambda x: functional.prelu(x, torch.linspace(-1, 1, CHANNELS)),
}
