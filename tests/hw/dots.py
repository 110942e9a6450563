"""Random dot engines: weights in every encoding, thresholds, scales, and the vectors to feed."""

import numpy as np
from numpy.random import Generator

from subbit.hw.contract.unit import Beats
from subbit.hw.dot.dot import DotUnit
from subbit.sw.ir import (
    Affine,
    BinaryWeights,
    CodebookWeights,
    PlanesWeights,
    Threshold,
    TiledWeights,
)
from subbit.sw.ir.weights import Weights

__all__ = ["affine", "codebook", "flipped", "frames", "plain", "planes", "thresholds", "tiled"]


def plain(rng: Generator, outputs: int, length: int) -> Weights:
    return BinaryWeights(rng.integers(0, 2, (outputs, length)))


def codebook(rng: Generator, outputs: int, channels: int, tau: int, kernel: int = 3) -> Weights:
    words = rng.integers(0, 2, (1 << tau, kernel, kernel))
    return CodebookWeights(words, rng.integers(0, 1 << tau, (outputs, channels)))


def tiled(rng: Generator, outputs: int, length: int, repeats: int, scaled: bool = False) -> Weights:
    scales = rng.integers(1, 6, repeats) if scaled else np.ones(repeats, np.int64)
    return TiledWeights((outputs, length), rng.integers(0, 2, outputs * length // repeats), scales)


def planes(rng: Generator, outputs: int, length: int, count: int) -> PlanesWeights:
    return PlanesWeights(tuple(plain(rng, outputs, length) for _ in range(count)))


def thresholds(rng: Generator, outputs: int, reach: int, bits: int) -> Threshold:
    table = np.sort(rng.integers(-reach, reach + 1, (outputs, (1 << bits) - 1)), axis=1)
    return Threshold(table, rng.integers(0, 2, outputs))


def affine(rng: Generator, outputs: int) -> Affine:
    return Affine(rng.integers(-30, 30, outputs), rng.integers(-500, 500, outputs))


def frames(rng: Generator, unit: DotUnit, count: int) -> Beats:
    """Random vectors, each repeated for its passes, as the replay before the engine does it."""
    shape = (count * unit.vectors, unit.words, unit.pixels * unit.simd)
    low, high = unit.i_range
    vectors = rng.integers(low, high + 1, shape)
    return np.repeat(vectors, unit.repeats, axis=0).reshape(-1, unit.i.lanes)


def flipped(weights: Weights, place: int) -> Weights:
    """The weights with one of the bits that the hardware stores turned over."""
    if isinstance(weights, BinaryWeights):
        bits = weights.bits.copy()
        bits.flat[place] ^= 1
        return BinaryWeights(bits)
    if isinstance(weights, CodebookWeights):
        indices = weights.indices.copy()
        indices.flat[place // weights.tau] ^= 1 << place % weights.tau
        return CodebookWeights(weights.codewords, indices)
    assert isinstance(weights, TiledWeights)
    tile = weights.tile.copy()
    tile[place] ^= 1
    return TiledWeights(weights.shape, tile, weights.scales)
