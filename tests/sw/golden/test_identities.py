"""What the hardware computes from bits is what the golden model computes from integers.

Each test rewrites a layer as XNOR, popcount and shifts, the way an engine does it, on patches of
the codes themselves, and compares with the golden model's integers.
"""

import numpy as np
import pytest
from numpy.typing import NDArray

from subbit.sw.golden import evaluate
from subbit.sw.ir import (
    BinaryWeights,
    CodebookWeights,
    Conv2d,
    Encoding,
    Layer,
    Linear,
    Network,
    Padding,
    TensorType,
    TiledWeights,
    Weights,
)
from tests.sw.samples import binary, codebook, codes, tiled

RNG = np.random.default_rng(31)
Array = NDArray[np.int64]


def golden(source: TensorType, layer: Layer, given: Array) -> Array:
    """The layer's output for the given codes."""
    output: Array = evaluate(Network.chain("one", source, {"layer": layer}), given)["layer"].numpy()
    return output


def patches(given: Array, side: int, pad: int, outside: int) -> Array:
    """``[n][y][x][c*k*k]`` of all windows at stride 1; ``outside`` is what lies around."""
    around = ((0, 0), (pad, pad), (pad, pad), (0, 0))
    padded = np.pad(given, around, constant_values=outside)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (side, side), axis=(1, 2))
    return windows.reshape(*windows.shape[:3], -1)


def popcount_xnor(x: Array, weights: Weights, mask: Array | int = 1) -> Array:
    """``[n][y][x][o]``: equal bits of patch and output's weights, where the mask is 1."""
    assert isinstance(weights, BinaryWeights)
    rows = weights.bits.reshape(weights.shape[0], -1)
    equal = 1 - (x[..., None, :] ^ rows)
    masked: Array = equal & np.asarray(mask)[..., None, :] if np.ndim(mask) else equal
    return masked.sum(axis=-1)


def test_dot_product_is_twice_the_matches_less_the_length() -> None:
    source = TensorType.codes(1, 1, 37, 1)
    weights, given = binary(RNG, (5, 37)), codes(RNG, source, 9)
    wanted = 2 * popcount_xnor(given, weights) - 37
    np.testing.assert_array_equal(golden(source, Linear(weights), given), wanted)


@pytest.mark.parametrize("side", [3, 5])
def test_zero_padding_is_a_mask(side: int) -> None:
    source = TensorType.codes(6, 7, 4, 1)
    weights, given = binary(RNG, (5, 4, side, side)), codes(RNG, source, 3)
    mask = patches(np.ones_like(given), side, side // 2, 0)
    for garbage in (0, 1):
        x = patches(given, side, side // 2, garbage)
        wanted = 2 * popcount_xnor(x, weights, mask) - mask.sum(axis=-1)[..., None]
        np.testing.assert_array_equal(
            golden(source, Conv2d(weights, 1, Padding.ZERO), given), wanted
        )


@pytest.mark.parametrize(("padding", "bit"), [(Padding.MINUS, 0), (Padding.PLUS, 1)])
def test_other_padding_is_a_bit(padding: Padding, bit: int) -> None:
    source = TensorType.codes(6, 7, 4, 1)
    weights, given = binary(RNG, (5, 4, 3, 3)), codes(RNG, source, 3)
    wanted = 2 * popcount_xnor(patches(given, 3, 1, bit), weights) - 36
    np.testing.assert_array_equal(golden(source, Conv2d(weights, 1, padding), given), wanted)


@pytest.mark.parametrize("width", range(1, 9))
@pytest.mark.parametrize("padding", [Padding.NONE, Padding.ZERO])
def test_first_layer_by_bit_planes(width: int, padding: Padding) -> None:
    """``sum p*w = (sum_b 2**b * (2*popcount(xnor(bit_b(p), w)) - N) + (2**M - 1)*sum w) / 2``."""
    source = TensorType.codes(5, 6, 3, width, Encoding.UNSIGNED)
    weights, given = binary(RNG, (4, 3, 3, 3)), codes(RNG, source, 2)
    x = patches(given, 3, int(padding is Padding.ZERO), 0)
    planes = sum((2 * popcount_xnor(x >> b & 1, weights) - 27) << b for b in range(width))
    constant = source.high * weights.dense().reshape(4, -1).sum(axis=1)
    twice = planes + constant
    assert not (twice % 2).any()
    np.testing.assert_array_equal(golden(source, Conv2d(weights, 1, padding), given), twice // 2)


@pytest.mark.parametrize("width", range(1, 9))
@pytest.mark.parametrize("padding", list(Padding))
def test_multi_bit_codes_are_branches(width: int, padding: Padding) -> None:
    """``dot(x, w) = sum over m of 2**(m-1) * dot(branch m of x, w)``, whatever the padding."""
    source = TensorType.codes(5, 6, 3, width)
    weights, given = binary(RNG, (4, 3, 3, 3)), codes(RNG, source, 2)
    branch = TensorType.codes(5, 6, 3, 1)
    layer = Conv2d(weights, 1, padding)
    wanted = sum(golden(branch, layer, given >> m & 1) << m for m in range(width))
    np.testing.assert_array_equal(golden(source, layer, given), wanted)


@pytest.mark.parametrize("repeats", [2, 3, 6])
def test_shared_rows_differ_by_their_scale_alone(repeats: int) -> None:
    source = TensorType.codes(5, 5, 4, 2)
    weights, given = tiled(RNG, (12, 4, 3, 3), repeats, scaled=True), codes(RNG, source, 2)
    assert isinstance(weights, TiledWeights)
    assert weights.rows_shared
    rows = 12 // repeats
    distinct = BinaryWeights(weights.tile.reshape(rows, 4, 3, 3))
    once = golden(source, Conv2d(distinct, 1, Padding.ZERO), given)
    wanted = np.concatenate([once * scale for scale in weights.scales], axis=-1)
    np.testing.assert_array_equal(golden(source, Conv2d(weights, 1, Padding.ZERO), given), wanted)


@pytest.mark.parametrize("repeats", [5, 8, 48, 240])
def test_crossing_rows_are_scaled_segment_sums(repeats: int) -> None:
    source = TensorType.codes(1, 1, 24, 3)
    weights, given = tiled(RNG, (10, 24), repeats, scaled=True), codes(RNG, source, 4)
    assert isinstance(weights, TiledWeights)
    values, q = 2 * given - 7, len(weights.tile)
    wanted = np.zeros((4, 1, 1, 10), np.int64)
    for o in range(10):
        places = range(o * 24, o * 24 + 24)
        for repeat in {f // q for f in places}:
            inside = [f for f in places if f // q == repeat]
            signs = 2 * weights.tile[[f % q for f in inside]].astype(int) - 1
            segment = values[..., [f - o * 24 for f in inside]] @ signs
            wanted[..., o] += weights.scales[repeat] * segment
    np.testing.assert_array_equal(golden(source, Linear(weights), given), wanted)


@pytest.mark.parametrize("tau", [1, 4, 8])
def test_codebook_sums_are_looked_up(tau: int) -> None:
    """Each pixel and input channel has 2**tau sums; an output adds those that its indices name."""
    source = TensorType.codes(5, 6, 3, 2)
    weights, given = codebook(RNG, (7, 3, 3, 3), tau), codes(RNG, source, 2)
    assert isinstance(weights, CodebookWeights)
    words = BinaryWeights(weights.codewords[:, None])
    one = TensorType.codes(5, 6, 1, 2)
    tables = [golden(one, Conv2d(words), given[..., c : c + 1]) for c in range(3)]
    wanted = sum(table[..., weights.indices[:, c]] for c, table in enumerate(tables))
    np.testing.assert_array_equal(golden(source, Conv2d(weights), given), wanted)
