"""Random weights and thresholds, small and seeded, of which the tests make layers and networks.

Codewords may occur twice here, and scales may be drawn, unlike in subbit.sw.ir.random_weights.
"""

import numpy as np
from numpy.random import Generator

from subbit.sw.ir import BinaryWeights, CodebookWeights, Encoding, Threshold, TiledWeights

__all__ = ["binary", "codebook", "threshold", "tiled"]


def binary(rng: Generator, *shape: int) -> BinaryWeights:
    """Plain weights of the shape ``(out, in)`` or ``(out, in, k, k)``."""
    return BinaryWeights(rng.integers(0, 2, shape))


def codebook(
    rng: Generator, outputs: int, channels: int, tau: int = 3, kernel: int = 3
) -> CodebookWeights:
    """Codebook weights of a convolution."""
    codewords = rng.integers(0, 2, (1 << tau, kernel, kernel))
    return CodebookWeights(codewords, rng.integers(0, 1 << tau, (outputs, channels)))


def tiled(rng: Generator, shape: tuple[int, ...], repeats: int, top: int = 1) -> TiledWeights:
    """Tiled weights with scales from 1 to ``top``."""
    scales = rng.integers(1, top + 1, repeats) if top > 1 else np.ones(repeats, np.int64)
    return TiledWeights(shape, rng.integers(0, 2, int(np.prod(shape)) // repeats), scales)


def threshold(
    rng: Generator,
    channels: int,
    reach: int = 20,
    bits: int = 1,
    encoding: Encoding = Encoding.BIPOLAR,
) -> Threshold:
    """Thresholds of a ``bits``-bit activation within ``reach``, some channels falling."""
    levels = np.sort(rng.integers(-reach, reach + 1, (channels, (1 << bits) - 1)), axis=1)
    return Threshold(levels, rng.integers(0, 2, channels), encoding)
