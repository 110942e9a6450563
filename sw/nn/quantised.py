"""Trainable weights of K bits ({-1,+1} encoding decomposition), and what they become in a Network.

They are trained as one K-bit number each; its bits become planes of +-1 only at the export.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from subbit.sw.errors import NetworkError
from subbit.sw.ir import PlanesWeights, Weights
from subbit.sw.ir.planes import planes_of_codes
from subbit.sw.nn.activations import check_bits
from subbit.sw.nn.encoders import Encoder, TiledEncoder
from subbit.sw.nn.ste import pass_gradient

__all__ = ["PlanesEncoder", "QuantEncoder"]


class QuantEncoder(Encoder):
    """K bits per weight: the odd integer ``2u - (2**K - 1)`` nearest to ``(2**K - 1) * latent``.

    Equation 15 of the paper; halfway between two codes the upper one, so that with K = 1 this is
    sign(latent) with sign(0) = +1. The factor of all outputs is ``1 / (2**K - 1)``. Latent weights
    are kept in [-1, 1], and the gradient reaches all of them. ``bits`` may be lowered between two
    steps of a training.
    """

    def __init__(self, shape: tuple[int, ...], *, bits: int) -> None:
        super().__init__()
        self.shape, self.bits = shape, check_bits("weights", bits)
        # Some of the inner half of the grid, so that weights can grow into the outer codes.
        self.latent = nn.Parameter(torch.empty(shape).uniform_(-0.5, 0.5))

    @property
    def top(self) -> int:
        """The greatest integer weight, ``2**K - 1``."""
        return (1 << self.bits) - 1

    def codes(self) -> Tensor:
        """The code ``0..2**K - 1`` of every weight, as floats, with the gradient of its latent."""
        inside = (self.latent.clamp(-1, 1) + 1) * (self.top / 2)
        return pass_gradient((inside.detach() + 0.5).floor(), inside)

    def forward(self) -> tuple[Tensor, Tensor]:
        """See Encoder."""
        if self.training:
            with torch.no_grad():
                self.latent.clamp_(-1, 1)
        weights = 2 * self.codes() - self.top
        return weights, weights.new_full((self.shape[0],), 1 / self.top)

    def weights(self) -> Weights:
        """See Encoder: one plane of bits is plain binary, more are PlanesWeights."""
        codes = self.codes().detach().cpu().to(torch.int64)
        planes = planes_of_codes(codes.numpy(), self.bits)
        return planes[0] if self.bits == 1 else PlanesWeights(planes)


class PlanesEncoder(Encoder):
    """K bits per weight, each bit plane in an encoder of its own, the lowest first.

    ``planes``: plain, codebook or tiled encoders of one shape, the repeats of a tile sharing rows.
    The weight is ``sum over k of 2**k * (+1 or -1 of plane k)``, trained as these branches; the
    encoders' real factors are left out for ``1 / (2**K - 1)``.
    """

    def __init__(self, planes: Sequence[Encoder]) -> None:
        super().__init__()
        self.bits = check_bits("weights", len(planes))
        self.planes = nn.ModuleList(planes)
        self.shape = planes[0].shape
        for plane in planes:
            if plane.shape != self.shape:
                raise NetworkError(f"bit planes have one shape, not {self.shape} and {plane.shape}")
            if isinstance(plane, TiledEncoder) and not plane.rows_shared:
                raise NetworkError(
                    f"a tile of a bit plane has no scales, so its {plane.repeats} repeats must "
                    f"divide the {self.shape[0]} outputs"
                )

    def forward(self) -> tuple[Tensor, Tensor]:
        """See Encoder."""
        total = sum(((1 << k) * plane()[0] for k, plane in enumerate(self.planes)), torch.zeros(()))
        return total, total.new_full((self.shape[0],), 1 / ((1 << self.bits) - 1))

    def weights(self) -> PlanesWeights:
        """See Encoder."""
        found = [plane.weights() for plane in self.planes if isinstance(plane, Encoder)]
        return PlanesWeights(tuple(found))
