"""Trainable weights in the three encodings, and what each becomes in a Network."""

from abc import ABC, abstractmethod
from math import prod

import torch
from torch import Tensor, nn

from subbit.sw.errors import NetworkError
from subbit.sw.ir import BinaryWeights, TiledWeights, Weights
from subbit.sw.nn.ste import clipped_sign, hard_sign, pass_gradient

__all__ = ["DEFAULT_MIN_SIZE", "Encoder", "PlainEncoder", "TiledEncoder"]

DEFAULT_MIN_SIZE = 64_000


class Encoder(nn.Module, ABC):
    """Weights of one layer of shape ``(out, in)`` or ``(out, in, k, k)``."""

    shape: tuple[int, ...]

    @abstractmethod
    def forward(self) -> tuple[Tensor, Tensor]:
        """Integer weights of shape ``shape``, as floats, and the real factor of every output,
        ``(out,)``.

        The weight that the layer stands for is their product.
        """

    @abstractmethod
    def weights(self) -> Weights:
        """The integer weights as they go into a Network."""


def initial(shape: tuple[int, ...]) -> nn.Parameter:
    """Latent weights drawn uniformly from +-0.1, small enough for signs to change early on."""
    return nn.Parameter(torch.empty(shape).uniform_(-0.1, 0.1))


def to_bits(signs: Tensor) -> Tensor:
    """Bit 1 for +1, bit 0 for -1."""
    return (signs > 0).to(torch.uint8).cpu()


class PlainEncoder(Encoder):
    """One bit per weight: ``sign(latent)``, factor ``mean |latent|`` of the output, or of the layer
    if ``shared``.

    The factor is detached; the gradient reaches ``latent`` where ``|latent| <= 1``.
    """

    def __init__(self, shape: tuple[int, ...], *, shared: bool = False) -> None:
        super().__init__()
        self.shape, self.shared = shape, shared
        self.latent = initial(shape)

    def forward(self) -> tuple[Tensor, Tensor]:
        """See Encoder."""
        means = self.latent.detach().abs().flatten(1).mean(1)
        return clipped_sign(self.latent), means.mean().expand_as(means) if self.shared else means

    def weights(self) -> BinaryWeights:
        """See Encoder."""
        return BinaryWeights(to_bits(hard_sign(self.latent.detach())).numpy())


class TiledEncoder(Encoder):
    """One tile of ``q = N / p`` signs repeated p times (Tiled Bit Networks), factor ``mean
    |magnitudes|`` a repeat.

    ``tile[j] = sign(sum over repeats of scores)`` with sign(0) = -1; the gradient of a weight goes
    to its score unchanged. Layers of fewer than ``min_size`` weights (lambda) have one repeat.
    Where p does not divide the outputs, rows cross repeats: the factors are then integers of
    ``scale_bits`` bits (1: one factor for the whole layer) times one real step, in training as in
    the Network, so that exporting them loses nothing.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        *,
        repeats: int,
        min_size: int = DEFAULT_MIN_SIZE,
        scale_bits: int = 4,
    ) -> None:
        super().__init__()
        self.shape = shape
        self.repeats = repeats if prod(shape) >= min_size else 1
        if repeats < 1 or prod(shape) % self.repeats:
            raise NetworkError(
                f"{repeats} repeats of a tile do not divide the {prod(shape)} weights "
                f"of a layer of shape {shape}"
            )
        if not 1 <= scale_bits <= 15:
            raise NetworkError(f"tile scales have 1 to 15 bits, not {scale_bits}")
        self.scale_bits = scale_bits
        self.scores, self.magnitudes = initial(shape), initial(shape)

    @property
    def rows_shared(self) -> bool:
        """Whether p divides the outputs, so that no row crosses repeats."""
        return self.shape[0] % self.repeats == 0

    def tile(self) -> Tensor:
        """The learned signs, ``(q,)``."""
        sums = self.scores.detach().reshape(self.repeats, -1).sum(0)
        return torch.where(sums > 0, 1.0, -1.0).to(sums.dtype)

    def factors(self) -> Tensor:
        """The real factor of every repeat, ``(p,)``."""
        return self.magnitudes.abs().reshape(self.repeats, -1).mean(1)

    def scales(self) -> tuple[Tensor, Tensor]:
        """Integer scales ``(p,)`` and the step that they multiply, for rows that cross repeats."""
        factors = self.factors()
        if self.scale_bits == 1:
            return torch.ones_like(factors), factors.mean()
        top = (1 << self.scale_bits) - 1
        step = factors.detach().max().clamp(min=torch.finfo(factors.dtype).tiny * top) / top
        exact = factors / step
        return pass_gradient(exact.detach().round().clamp(1, top), exact), step

    def forward(self) -> tuple[Tensor, Tensor]:
        """See Encoder."""
        signs = pass_gradient(self.tile().repeat(self.repeats).reshape(self.shape), self.scores)
        if self.rows_shared:
            return signs, self.factors().repeat_interleave(self.shape[0] // self.repeats)
        scales, step = self.scales()
        spread = scales.repeat_interleave(prod(self.shape) // self.repeats).reshape(self.shape)
        return signs * spread, step.expand(self.shape[0])

    def scale_error(self) -> float:
        """Greatest relative difference between a repeat's real factor and the integer scale used
        for it.
        """
        if self.rows_shared:
            return 0.0
        scales, step = self.scales()
        factors = self.factors()
        error = ((scales * step - factors).abs() / factors.clamp(min=1e-30)).max()
        return float(error.detach())

    def weights(self) -> Weights:
        """See Encoder."""
        bits = to_bits(self.tile())
        if self.repeats == 1:
            return BinaryWeights(bits.reshape(self.shape).numpy())
        ones = torch.ones(self.repeats)
        scales = ones if self.rows_shared else self.scales()[0].detach().cpu()
        return TiledWeights(self.shape, bits.numpy(), scales.to(torch.int64).numpy())
