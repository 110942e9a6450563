"""What the weights of a layer may be while it is trained: plain, a codebook or a tile."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

from subbit.sw.ir.weights import KERNEL_BITS

__all__ = ["PLAIN", "Coding", "codings_of"]

TAUS, REPEATS = (6, 5, 4), (2, 4, 8)  # that are looked at
KERNEL = (3, 3)


@dataclass(frozen=True)
class Coding:
    """``encoding``: ``plain``, ``codebook`` of ``2**size`` kernels, or ``tiled`` with ``size``
    repeats.
    """

    encoding: str
    size: int = 0

    def bits(self, shape: tuple[int, ...]) -> int:
        """Bits that one bit plane of weights of that shape stores."""
        if self.encoding == "codebook":
            return self.size * shape[0] * shape[1] + (KERNEL_BITS << self.size)
        return prod(shape) // (self.size or 1)

    def __str__(self) -> str:
        if self.encoding == "plain":
            return "plain"
        return f"codebook, tau {self.size}" if self.encoding == "codebook" else f"p {self.size}"


PLAIN = Coding("plain")


def codings_of(shape: tuple[int, ...], min_size: int) -> Iterator[Coding]:
    """The codings of weights ``(outputs, inputs, ..)``, those that store most bits first: tiles
    that divide the outputs, of layers of ``min_size`` weights or more, and codebooks of 3x3
    kernels.
    """
    found = [PLAIN]
    if prod(shape) >= min_size:
        found += [Coding("tiled", p) for p in REPEATS if shape[0] % p == 0]
    if shape[2:] == KERNEL:
        found += [Coding("codebook", tau) for tau in TAUS]
    smaller = [coding for coding in found if coding.bits(shape) < PLAIN.bits(shape)]
    yield PLAIN
    yield from sorted(smaller, key=lambda coding: -coding.bits(shape))
