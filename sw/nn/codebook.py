"""Trainable codebook weights: Sub-bit Neural Networks (ICCV 2021), section 3 and the authors'
training rules.
"""

import torch
from torch import Tensor, nn

from subbit.sw.errors import NetworkError
from subbit.sw.ir import CodebookWeights
from subbit.sw.ir.weights import KERNEL_BITS
from subbit.sw.nn.encoders import Encoder, initial, to_bits
from subbit.sw.nn.ste import pass_gradient

__all__ = ["CodebookEncoder", "draw_codewords"]

KERNELS = 1 << KERNEL_BITS
REFINE_EVERY = 25
DEAD_ZONE = 1e-3
PATTERN_LIMIT = 3.0


def codewords_of(numbers: Tensor) -> Tensor:
    """The kernels ``(n, 9)`` of +-1 that the numbers 0..511 name."""
    return 2.0 * ((numbers[:, None] >> torch.arange(KERNEL_BITS)) & 1) - 1.0


def numbers_of(codewords: Tensor) -> Tensor:
    """The inverse of codewords_of."""
    return ((codewords > 0).to(torch.int64) << torch.arange(KERNEL_BITS)).sum(1)


def draw_codewords(count: int, generator: torch.Generator | None = None) -> Tensor:
    """``count`` distinct 3x3 binary kernels drawn uniformly without replacement, ``(count, 9)`` of
    +-1.
    """
    return codewords_of(torch.randperm(KERNELS, generator=generator)[:count])


class CodebookEncoder(Encoder):
    """Every 3x3 kernel is the codeword nearest to its latent kernel, times ``mean |latent|`` of its
    output.

    ``patterns`` ``(2**tau, 9)`` are learned; codeword = sign(pattern), kept as it was (``memory``)
    where ``|pattern| < 1e-3``. A weight's gradient goes to ``latent`` where ``|latent| <= 1``, and
    in every 25th step to the pattern as well. Patterns stay within +-3; equal codewords are
    replaced by unused kernels. ``seed`` draws the first codewords and the replacements.
    """

    memory: Tensor
    steps: Tensor

    def __init__(self, shape: tuple[int, ...], *, tau: int, seed: int = 0) -> None:
        super().__init__()
        if shape[2:] != (3, 3) or not 1 <= tau <= 8:
            raise NetworkError(
                f"a codebook holds 3x3 kernels with tau 1 to 8; not shape {shape}, tau {tau}"
            )
        self.shape, self.tau, self.seed = shape, tau, seed
        self.latent = initial(shape)
        words = draw_codewords(1 << tau, torch.Generator().manual_seed(seed))
        self.patterns = nn.Parameter(words)
        self.register_buffer("memory", words.clone())
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def settle(self) -> None:
        """Bring ``memory`` up to date with ``patterns``; doing it again changes nothing."""
        self.patterns.clamp_(-PATTERN_LIMIT, PATTERN_LIMIT)
        sure = self.patterns.abs() >= DEAD_ZONE
        self.memory.copy_(torch.where(sure, self.patterns.sign(), self.memory))
        numbers = numbers_of(self.memory)
        repeated = torch.tensor([bool((numbers[:i] == n).any()) for i, n in enumerate(numbers)])
        if repeated.any():
            self.replace(repeated, numbers)

    def replace(self, rows: Tensor, numbers: Tensor) -> None:
        """Put fresh kernels, which no codeword equals, into the codebook's rows."""
        generator = torch.Generator().manual_seed(self.seed + 1 + int(self.steps))
        order = torch.randperm(KERNELS, generator=generator)
        fresh = order[~torch.isin(order, numbers)][: int(rows.sum())]
        self.memory[rows] = codewords_of(fresh)
        self.patterns[rows] = codewords_of(fresh)

    def assign(self) -> Tensor:
        """The index of the nearest codeword of every kernel, ``(out, in)``; the lowest on ties."""
        kernels = self.latent.detach().reshape(-1, KERNEL_BITS)
        return (kernels @ self.memory.T).argmax(1).reshape(self.shape[:2])

    def forward(self) -> tuple[Tensor, Tensor]:
        """See Encoder. In training, counts a step."""
        self.settle()
        indices = self.assign()
        signs = pass_gradient(self.memory[indices].reshape(self.shape), self.latent.clamp(-1, 1))
        if self.training:
            self.steps += 1
            if self.steps % REFINE_EVERY == 0:
                learned = self.patterns[indices].reshape(self.shape)
                signs = signs + (learned - learned.detach())
        return signs, self.latent.detach().abs().flatten(1).mean(1)

    def weights(self) -> CodebookWeights:
        """See Encoder."""
        self.settle()
        bits = to_bits(self.memory).reshape(-1, 3, 3)
        return CodebookWeights(bits.numpy(), self.assign().cpu().numpy())
