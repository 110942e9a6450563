"""Trainable weights of K bits with a real factor for each output: what a float layer becomes."""

import torch
from torch import Tensor, nn

from subbit.sw.ir import PlanesWeights, Weights
from subbit.sw.ir.planes import planes_of_codes
from subbit.sw.nn.activations import check_bits
from subbit.sw.nn.encoders import Encoder
from subbit.sw.nn.ste import pass_gradient

__all__ = ["ScaledEncoder"]

CANDIDATES = 24
TINY = 1e-8


class ScaledEncoder(Encoder):
    """K bits per weight: ``step[o] * (2u - (2**K - 1))`` nearest to the latent weight.

    ``latent``: the float layer's weights; ``step``: of every output, learned as a factor of the dot
    product; ``gain``: the real number that 1 of the layer's integer inputs stands for. The gradient
    of a weight passes where it lies within its grid.
    """

    def __init__(self, latent: Tensor, *, bits: int, gain: float = 1.0) -> None:
        super().__init__()
        self.shape, self.gain = tuple(latent.shape), gain
        self.bits = check_bits("weights", bits)
        self.latent = nn.Parameter(latent.detach().clone())
        self.step = nn.Parameter(best_steps(self.latent.detach(), bits))

    @property
    def top(self) -> int:
        """The greatest integer weight, ``2**K - 1``."""
        return (1 << self.bits) - 1

    def set_bits(self, bits: int) -> None:
        """Another number of bits, with the steps that suit the latent weights best."""
        self.bits = check_bits("weights", bits)
        self.step.data.copy_(best_steps(self.latent.detach(), bits))

    def codes(self) -> Tensor:
        """The code ``0..2**K - 1`` of every weight, as floats, with the gradient of its latent."""
        steps = spread(self.step.detach().abs().clamp(min=TINY), self.latent)
        inside = ((self.latent / steps + self.top) / 2).clamp(0, self.top)
        return pass_gradient((inside.detach() + 0.5).floor(), inside)

    def forward(self) -> tuple[Tensor, Tensor]:
        """See Encoder."""
        return 2 * self.codes() - self.top, self.step.abs().clamp(min=TINY) * self.gain

    def weights(self) -> Weights:
        """See Encoder."""
        codes = self.codes().detach().cpu().to(torch.int64)
        planes = planes_of_codes(codes.numpy(), self.bits)
        return planes[0] if self.bits == 1 else PlanesWeights(planes)


def spread(numbers: Tensor, like: Tensor) -> Tensor:
    """``(out,)`` shaped to multiply weights."""
    return numbers.reshape(-1, *[1] * (like.ndim - 1))


def best_steps(weights: Tensor, bits: int) -> Tensor:
    """The step of every output, of CANDIDATES, with the least squared error; of one bit the mean
    magnitude, which is the best.
    """
    rows, top = weights.flatten(1), (1 << bits) - 1
    if bits == 1:
        return rows.abs().mean(1).clamp(min=TINY)
    whole = rows.abs().amax(1).clamp(min=TINY) / top
    best, least = whole.clone(), torch.full_like(whole, torch.inf)
    for share in torch.linspace(0.25, 1.0, CANDIDATES):
        steps = whole * share
        codes = ((rows / steps[:, None] + top) / 2 + 0.5).floor().clamp(0, top)
        error = (rows - (2 * codes - top) * steps[:, None]).square().sum(1)
        best = torch.where(error < least, steps, best)
        least = torch.minimum(error, least)
    return best
