"""Weights of several bits: their branches, helpers that make them, their parts and errors."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from subbit.sw.errors import NetworkError
from subbit.sw.golden import evaluate
from subbit.sw.ir import (
    BinaryWeights,
    Encoding,
    Linear,
    Network,
    PlanesWeights,
    TensorType,
    Threshold,
    Weights,
)
from subbit.sw.ir.planes import branches_of, odd_planes, signed_planes
from subbit.sw.ir.weights import weights_from_parts
from tests.sw.samples import binary, codebook, codes, message, planes, tiled

RNG = np.random.default_rng(41)


@pytest.mark.parametrize("bits", range(1, 9))
def test_a_weight_of_k_bits_is_the_bipolar_code_of_its_planes(bits: int) -> None:
    unsigned = RNG.integers(0, 1 << bits, (5, 7))
    unsigned.flat[0], unsigned.flat[-1] = 0, (1 << bits) - 1
    weights = PlanesWeights(tuple(BinaryWeights(unsigned >> k & 1) for k in range(bits)))
    np.testing.assert_array_equal(weights.dense(), 2 * unsigned - (2**bits - 1))
    assert weights.dense().dtype == np.int64
    assert weights.scales == tuple(2**k for k in range(bits))
    assert weights.top == np.abs(weights.dense()).max() == 2**bits - 1
    assert (weights.count, weights.row_length, weights.stored_bits) == (35, 7, 35 * bits)
    assert weights.reach == 7 * (2**bits - 1)


@pytest.mark.parametrize("bits", range(1, 9))
def test_odd_integers_and_their_planes(bits: int) -> None:
    values = 2 * RNG.integers(0, 1 << bits, (3, 2, 3, 3)) - (1 << bits) + 1
    weights = odd_planes(values, bits)
    np.testing.assert_array_equal(weights.dense(), values)
    assert len(weights.planes) == bits


@pytest.mark.parametrize("bits", range(1, 9))
def test_integers_with_a_zero_are_made_twice_as_large(bits: int) -> None:
    top = 1 << (bits - 1)
    values = np.array([range(-top, top + 1)])
    weights = signed_planes(values, bits)
    np.testing.assert_array_equal(weights.dense(), 2 * values)
    assert weights.scales == (1, *(2**k for k in range(bits)))


def test_scales_count_for_whole_planes() -> None:
    low, high = BinaryWeights([[1, 1, 0, 0]]), BinaryWeights([[1, 0, 1, 0]])
    assert PlanesWeights((low, high), (1, 1)).dense().tolist() == [[2, 0, 0, -2]]
    assert PlanesWeights((low, high), (8, 2)).dense().tolist() == [[10, 6, -6, -10]]
    assert branches_of(PlanesWeights((low, high), (8, 2))) == ((8, low), (2, high))
    assert branches_of(low) == ((1, low),)


def test_planes_of_every_encoding_store_what_each_stores() -> None:
    weights = planes(RNG, (4, 3, 3, 3), 3)
    assert weights.stored_bits == 108 + (3 * 12 + 9 * 8) + 27


@pytest.mark.parametrize("count", [1, 2, 3, 6])
def test_parts_give_back_an_equal_object(count: int) -> None:
    weights = planes(RNG, (6, 2, 3, 3), count)
    again = weights_from_parts("planes", weights.attributes(), weights.tensors())
    assert again == weights
    assert hash(again) == hash(weights)
    for key in weights.tensors():
        tensors = {name: array.copy() for name, array in weights.tensors().items()}
        if not key.endswith("scales"):
            tensors[key].flat[-1] ^= 1
            assert weights_from_parts("planes", weights.attributes(), tensors) != weights
    attributes = weights.attributes() | {"scales": [128] * count}
    assert weights_from_parts("planes", attributes, weights.tensors()) != weights


@pytest.mark.parametrize(("bits", "k"), [(1, 8), (8, 1), (8, 8), (3, 5)])
@pytest.mark.parametrize("encoding", [Encoding.BIPOLAR, Encoding.UNSIGNED])
def test_no_output_leaves_the_type_of_the_dot_products(
    bits: int, k: int, encoding: Encoding
) -> None:
    weights = PlanesWeights((BinaryWeights(np.ones((2, 9), int)),) * k)
    source = TensorType.codes(1, 1, 9, bits, encoding)
    network = Network.chain("n", source, {"fc": Linear(weights)})
    kind, top = network.types["fc"], (2**bits - 1) * (2**k - 1) * 9
    assert (kind.low, kind.high) == (-top, top)
    out = evaluate(network, np.full((1, 1, 1, 9), 2**bits - 1))["fc"]
    assert out.flatten().tolist() == [top, top]


@pytest.mark.parametrize("width", range(1, 9))
def test_unsigned_codes_of_a_threshold_stand_for_themselves(width: int) -> None:
    levels = np.sort(RNG.integers(-20, 21, (3, 2**width - 1)), axis=1)
    act = Threshold(levels, [1, 0, 1], Encoding.UNSIGNED)
    again = Threshold.from_parts(act.attributes(), act.tensors())
    assert again == act != Threshold(levels, [1, 0, 1])
    fc, fd = binary(RNG, (3, 5)), planes(RNG, (2, 3), 2)
    source = TensorType.codes(1, 1, 5, 2)
    network = Network.chain("n", source, {"fc": Linear(fc), "act": act, "fd": Linear(fd)})
    assert network.types["act"].encoding is Encoding.UNSIGNED
    tensors = evaluate(network, codes(RNG, source, 6))
    wanted = tensors["act"].numpy().reshape(6, 3) @ fd.dense().T
    np.testing.assert_array_equal(tensors["fd"].numpy().reshape(6, 2), wanted)


PLAIN = BinaryWeights([[1, 0, 1]])
ERRORS: list[tuple[Callable[[], Any], str]] = [
    (lambda: PlanesWeights(()), "weights have 1 to 9 bit planes, not 0"),
    (lambda: PlanesWeights((PLAIN,) * 10), "weights have 1 to 9 bit planes, not 10"),
    (lambda: PlanesWeights((PLAIN,) * 2, (1,)), "2 bit planes need 2 scales, not 1"),
    (
        lambda: PlanesWeights((PLAIN,) * 2, (1, 3)),
        "the scale of a bit plane is a power of two from 1 to 128, not 3",
    ),
    (
        lambda: PlanesWeights((PLAIN,) * 9),
        "the scale of a bit plane is a power of two from 1 to 128, not 256",
    ),
    (
        lambda: PlanesWeights((PLAIN,) * 2, (1, -2)),
        "the scale of a bit plane is a power of two from 1 to 128, not -2",
    ),
    (
        lambda: PlanesWeights((PLAIN,) * 2, (1, True)),
        "the scale of a bit plane is a power of two from 1 to 128, not True",
    ),
    (
        lambda: PlanesWeights((PLAIN, BinaryWeights([[1, 0]]))),
        "all bit planes have one shape, but plane 0 has (1, 3) and plane 1 (1, 2)",
    ),
    (
        lambda: PlanesWeights((PLAIN, PlanesWeights((PLAIN,)))),
        "bit plane 1 must be binary, codebook or tiled weights, not PlanesWeights",
    ),
    (
        lambda: PlanesWeights((tiled(RNG, (4, 6), 4, scaled=True),)),
        "bit plane 0 is a tile with scales; the tile of a plane has none",
    ),
    (
        lambda: weights_from_parts("planes", {}, {}),
        "attribute 'scales' must be a list of 1 to 9 powers of two, one for each bit plane, "
        "not None",
    ),
    (
        lambda: weights_from_parts(
            "planes", {"scales": [1, 2], "0.weights": "binary"}, part(PLAIN)
        ),
        "bit plane 1: unknown weight encoding 'None'; known are binary, codebook, tiled, planes",
    ),
    (
        lambda: weights_from_parts("planes", {"scales": [1], "0.weights": "planes"}, {}),
        "bit plane 0 cannot itself have planes",
    ),
    (
        lambda: weights_from_parts("planes", {"scales": [1], "0.weights": "tiled"}, {}),
        "bit plane 0: attribute 'shape' must be a list of integers, not None",
    ),
    (
        lambda: weights_from_parts(
            "planes", {"scales": [1], "0.weights": "binary"}, part(PLAIN) | {"1.bits": PLAIN.bits}
        ),
        "unknown parts: '1.bits'",
    ),
    (lambda: odd_planes([[1, 2]], 2), "weights of 2 bits are odd integers from -3 to 3"),
    (lambda: odd_planes([[1, 5]], 2), "weights of 2 bits are odd integers from -3 to 3"),
    (lambda: odd_planes([[1.0]], 2), "weights of 2 bits are odd integers from -3 to 3"),
    (lambda: odd_planes([[1]], 9), "weights have 1 to 8 bits, not 9"),
    (lambda: odd_planes([[1]], 0), "weights have 1 to 8 bits, not 0"),
    (
        lambda: signed_planes([[2]], 1),
        "weights of 1 bits and a zero are integers from -1 to 1",
    ),
    (
        lambda: Threshold([[1]], [1], "integer"),  # type: ignore[arg-type]
        "the codes of a threshold are bipolar or unsigned, not 'integer'",
    ),
    (
        lambda: Threshold.from_parts(
            {"encoding": "integer"}, {"thresholds": np.array([[1]]), "rising": np.array([1])}
        ),
        "attribute 'encoding' must be one of bipolar, unsigned, not 'integer'",
    ),
    (
        lambda: TensorType.codes(1, 1, 1, 9),
        "codes are 1 to 8 bits wide, not 9",
    ),
    (
        lambda: Linear(PlanesWeights((codebook(RNG, (2, 3, 3, 3)),))),
        "a linear layer has weights (out, in), not (2, 3, 3, 3)",
    ),
]


def part(weights: Weights) -> dict[str, Any]:
    """The arrays of a plane 0."""
    return {f"0.{name}": array for name, array in weights.tensors().items()}


@pytest.mark.parametrize(("function", "text"), ERRORS, ids=range(len(ERRORS)))
def test_errors(function: Callable[[], Any], text: str) -> None:
    assert message(function, NetworkError) == text
