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
from tests import parts
from tests.parts import binary, codebook, threshold

__all__ = ["affine", "codebook", "flipped", "frames", "plain", "planes", "thresholds", "tiled"]


def plain(rng: Generator, outputs: int, length: int) -> Weights:
    return binary(rng, outputs, length)


def tiled(rng: Generator, outputs: int, length: int, repeats: int, scaled: bool = False) -> Weights:
    return parts.tiled(rng, (outputs, length), repeats, 5 if scaled else 1)


def planes(rng: Generator, outputs: int, length: int, count: int) -> PlanesWeights:
    return PlanesWeights(tuple(plain(rng, outputs, length) for _ in range(count)))


def thresholds(rng: Generator, outputs: int, reach: int, bits: int) -> Threshold:
    return threshold(rng, outputs, reach, bits)


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
