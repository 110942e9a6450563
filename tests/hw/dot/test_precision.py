"""Every precision from 1 to 8 bits: integers, branches, golden model and engine say the same.

For each pair of M-bit inputs and K-bit weights one layer with random planes, plain ones, codebooks
and tiles; the engine computes it with all branches in parallel, and again with some in series.
"""

from typing import Any

import numpy as np
import pytest

from subbit.hw.dot.dot import DotUnit
from subbit.sw.cycles import run
from subbit.sw.golden import evaluate
from subbit.sw.ir import (
    BinaryWeights,
    Conv2d,
    Encoding,
    Network,
    PlanesWeights,
    TensorType,
    TiledWeights,
    Weights,
)
from tests.hw.dots import codebook, plain
from tests.hw.harness import simulate_unit

OUTPUTS, CHANNELS, FRAMES = 2, 2, 3
LENGTH = 9 * CHANNELS
SHAPE = (OUTPUTS, CHANNELS, 3, 3)


def plane(rng: np.random.Generator, kind: int) -> Weights:
    """Weights of one bit in one of the encodings."""
    if kind == 0:
        return BinaryWeights(plain(rng, OUTPUTS, LENGTH).tensors()["bits"].reshape(SHAPE))
    if kind == 1:
        return codebook(rng, OUTPUTS, CHANNELS, 2)
    return TiledWeights(SHAPE, rng.integers(0, 2, LENGTH), np.ones(2, np.int64))


def by_integers(weights: PlanesWeights, values: Any) -> Any:
    """DotUnit products of integers: inputs ``(frames, N)`` with weights of K bits."""
    bits = [plane.dense().reshape(OUTPUTS, LENGTH) > 0 for plane in weights.planes]
    codes = sum(plane.astype(np.int64) << k for k, plane in enumerate(bits))
    return values @ (2 * codes - (1 << len(bits)) + 1).T


def by_branches(weights: PlanesWeights, codes: Any, m_bits: int, encoding: Encoding) -> Any:
    """The same as M*K XNOR-popcounts, each times a power of two."""
    total: Any = 0
    for k, plane in enumerate(weights.planes):
        w = (plane.dense().reshape(1, OUTPUTS, LENGTH) > 0).astype(np.int64)
        for m in range(m_bits):
            popcount = (1 - ((codes[:, None, :] >> m & 1) ^ w)).sum(axis=2)
            total = total + ((2 * popcount - LENGTH) << (m + k))
    if encoding is Encoding.UNSIGNED:  # DESIGN: the first layer of raw pixels
        total = (
            total + ((1 << m_bits) - 1) * weights.dense().reshape(OUTPUTS, -1).sum(axis=1)
        ) // 2
    return total


def by_engine(weights: PlanesWeights, codes: Any, m_bits: int, **settings: Any) -> Any:
    """The same by the component, whose cycles are checked too."""
    unit = DotUnit(
        weights=weights, bits=m_bits, masked=False, pe=1, simd=9, vectors=FRAMES, **settings
    )
    words = codes.reshape(FRAMES, unit.words, 9)
    beats = np.repeat(words, unit.repeats, axis=0).reshape(-1, 9)
    out, cycles = simulate_unit(unit, beats, unit.o_beats, None)
    np.testing.assert_array_equal(cycles, run(list(unit.processes())).taken[-1])
    return out.reshape(FRAMES, OUTPUTS)


@pytest.mark.parametrize("k_bits", range(1, 9))
@pytest.mark.parametrize("m_bits", range(1, 9))
def test_every_pair(m_bits: int, k_bits: int) -> None:
    rng = np.random.default_rng(8 * m_bits + k_bits)
    weights = PlanesWeights(tuple(plane(rng, (m_bits + k) % 3) for k in range(k_bits)))
    encoding = Encoding.UNSIGNED if (m_bits + k_bits) % 2 else Encoding.BIPOLAR
    codes = rng.integers(0, 1 << m_bits, (FRAMES, CHANNELS, 3, 3))
    codes[0], codes[1] = 0, (1 << m_bits) - 1
    flat = codes.reshape(FRAMES, LENGTH)
    values = 2 * flat - (1 << m_bits) + 1 if encoding is Encoding.BIPOLAR else flat

    wanted = by_integers(weights, values)
    np.testing.assert_array_equal(by_branches(weights, flat, m_bits, encoding), wanted)
    source = TensorType.codes(3, 3, CHANNELS, m_bits, encoding)
    network = Network.chain("pair", source, {"conv": Conv2d(weights)})
    golden = evaluate(network, codes.transpose(0, 2, 3, 1))["conv"].numpy()
    np.testing.assert_array_equal(golden.reshape(FRAMES, OUTPUTS), wanted)
    engine = by_engine(weights, flat, m_bits, encoding=encoding)
    np.testing.assert_array_equal(engine, wanted)
    if m_bits * k_bits > 1:
        series = series_of(m_bits, k_bits)
        engine = by_engine(weights, flat, m_bits, encoding=encoding, **series)
        np.testing.assert_array_equal(engine, wanted)


def series_of(m_bits: int, k_bits: int) -> dict[str, int]:
    """Branches one at a time where M is odd, else up to half of the bits and planes at once."""
    if m_bits % 2:
        return {"x_branches": 1, "w_branches": 1}
    return {"x_branches": m_bits // 2, "w_branches": 1 if k_bits % 2 else k_bits // 2}


def test_raw_pixels_with_binary_weights() -> None:
    rng = np.random.default_rng(255)
    weights = PlanesWeights((plane(rng, 0),))
    pixels = rng.integers(0, 256, (FRAMES, LENGTH))
    wanted = pixels @ weights.dense().reshape(OUTPUTS, LENGTH).T
    for x_branches in (1, 2, 4, 8):
        engine = by_engine(weights, pixels, 8, encoding=Encoding.UNSIGNED, x_branches=x_branches)
        np.testing.assert_array_equal(engine, wanted)
