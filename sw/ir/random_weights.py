"""Random weights and thresholds, for measurements, advice and tests of networks not yet trained."""

import numpy as np

from subbit.sw.ir.layers.affine import Affine
from subbit.sw.ir.layers.requantise import Requantise
from subbit.sw.ir.layers.threshold import Threshold
from subbit.sw.ir.planes import PlanesWeights
from subbit.sw.ir.types import Encoding
from subbit.sw.ir.weights import (
    KERNEL_BITS,
    BinaryWeights,
    CodebookWeights,
    TiledWeights,
    kernels_of,
)

__all__ = [
    "random_affine",
    "random_binary",
    "random_codebook",
    "random_planes",
    "random_requantise",
    "random_threshold",
    "random_tiled",
]


def random_binary(rng: np.random.Generator, shape: tuple[int, ...]) -> BinaryWeights:
    """Binary weights of the shape ``(out, in)`` or ``(out, in, k, k)``."""
    return BinaryWeights(rng.integers(0, 2, shape, np.uint8))


def random_codebook(
    rng: np.random.Generator, outputs: int, inputs: int, tau: int
) -> CodebookWeights:
    """Indices of a 3x3 convolution into ``2**tau`` codewords, all of them different."""
    numbers = rng.choice(1 << KERNEL_BITS, 1 << tau, replace=False)
    return CodebookWeights(kernels_of(numbers), rng.integers(0, 1 << tau, (outputs, inputs)))


def random_tiled(
    rng: np.random.Generator, shape: tuple[int, ...], repeats: int, top: int = 1
) -> TiledWeights:
    """A tile that the weights of the shape repeat, with scales from 1 to ``top``."""
    tile = rng.integers(0, 2, int(np.prod(shape)) // repeats, np.uint8)
    scales = rng.integers(1, top + 1, repeats) if top > 1 else np.ones(repeats, np.int64)
    return TiledWeights(shape, tile, scales)


def random_planes(rng: np.random.Generator, bits: int, shape: tuple[int, ...]) -> PlanesWeights:
    """Weights of ``bits`` plain bit planes."""
    planes = rng.integers(0, 2, (bits, *shape), np.uint8)
    return PlanesWeights(tuple(map(BinaryWeights, planes)))


def random_affine(rng: np.random.Generator, channels: int) -> Affine:
    """A scale from 2 to 49 and an offset of three digits for each channel."""
    return Affine(rng.integers(2, 50, channels), rng.integers(-999, 999, channels))


def random_threshold(
    rng: np.random.Generator,
    channels: int,
    levels: int,
    reach: int,
    encoding: Encoding = Encoding.BIPOLAR,
) -> Threshold:
    """``levels`` thresholds a channel in ``-reach..reach``, some channels rising, some falling."""
    rows = np.sort(rng.integers(-reach, reach + 1, (channels, levels)), axis=1)
    return Threshold(rows, rng.integers(0, 2, channels, np.uint8), encoding)


def random_requantise(
    rng: np.random.Generator, channels: int, reach: int, bits: int, *, lines: int = 1
) -> Requantise:
    """Lines through integers within ``reach`` onto ``bits`` bits, the second one flatter."""
    top = 1 << (bits - 1)
    shift = 16 + (reach // top).bit_length()
    most = min((top << shift) // reach, (1 << 17) - 2)
    scale = rng.integers(most // 2, most + 1, (channels, lines)) >> (2 * np.arange(lines))
    offset = (1 << (shift - 1)) + rng.integers(-(1 << shift), 1 << shift, (channels, lines))
    knee = rng.integers(-reach // 8, reach // 8 + 1, channels) * (lines == 2)
    return Requantise(scale, offset, knee, shift, -top, top - 1)
