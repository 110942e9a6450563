"""The weight encodings: their dense weights, sizes, equality and errors."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from subbit.sw.errors import NetworkError
from subbit.sw.ir import BinaryWeights, CodebookWeights, TiledWeights
from subbit.sw.ir.weights import weights_from_parts
from tests.sw.samples import binary, bits, codebook, conv_weights, message, tiled

RNG = np.random.default_rng(11)
SHAPES = [(4, 3, 3, 3), (6, 2, 1, 1), (4, 1, 5, 5)]
EVERY = [
    (name, weights)
    for shape in SHAPES
    for name, weights in conv_weights(RNG, shape).items()
    if weights.encoding != "planes"  # test_ir_planes.py
]


@pytest.mark.parametrize(("name", "weights"), EVERY)
def test_dense_by_hand(name: str, weights: Any) -> None:
    dense = weights.dense()
    outputs, inputs, side, _ = weights.shape
    for f, (o, c, i, j) in enumerate(np.ndindex(outputs, inputs, side, side)):
        if name == "binary":
            wanted = 1 if weights.bits[o, c, i, j] else -1
        elif name == "codebook":
            wanted = 1 if weights.codewords[weights.indices[o, c], i, j] else -1
        else:
            q = len(weights.tile)
            wanted = weights.scales[f // q] * (1 if weights.tile[f % q] else -1)
        assert dense[o, c, i, j] == wanted
    assert dense.dtype == np.int64


@pytest.mark.parametrize(("name", "weights"), EVERY)
def test_counts_and_reach(name: str, weights: Any) -> None:
    dense = weights.dense()
    assert weights.count == dense.size
    assert weights.row_length == dense[0].size
    assert weights.reach == np.abs(dense).reshape(len(dense), -1).sum(axis=1).max()


def test_stored_bits() -> None:
    assert binary(RNG, (4, 3, 3, 3)).stored_bits == 108
    assert codebook(RNG, (4, 3, 3, 3), tau=2).stored_bits == 2 * 4 * 3 + 9 * 4
    assert tiled(RNG, (4, 6), 3).stored_bits == 8
    assert TiledWeights((4, 6), bits(RNG, 8), [1, 5, 2]).stored_bits == 8 + 3 * 3


def test_rows_shared_only_if_repeats_divide_the_outputs() -> None:
    shared, crossing = tiled(RNG, (4, 6), 4), tiled(RNG, (4, 6), 3)
    assert isinstance(shared, TiledWeights)
    assert isinstance(crossing, TiledWeights)
    assert shared.rows_shared
    assert not crossing.rows_shared


@pytest.mark.parametrize(("name", "weights"), EVERY)
def test_parts_give_back_an_equal_object(name: str, weights: Any) -> None:
    again = weights_from_parts(weights.encoding, weights.attributes(), weights.tensors())
    assert again == weights
    assert hash(again) == hash(weights)
    assert again.shape == weights.shape
    assert again.encoding == weights.encoding


@pytest.mark.parametrize(("name", "weights"), EVERY)
def test_one_changed_number_makes_them_differ(name: str, weights: Any) -> None:
    for key in weights.tensors():
        tensors = {other: array.copy() for other, array in weights.tensors().items()}
        tensors[key].flat[-1] ^= 1 if tensors[key].flat[-1] != 1 or key != "scales" else 2
        assert weights_from_parts(weights.encoding, weights.attributes(), tensors) != weights


def test_shape_belongs_to_equality_and_classes_differ() -> None:
    tile = bits(RNG, 4)
    assert TiledWeights((4, 6), tile, np.ones(6, int)) != TiledWeights(
        (6, 4), tile, np.ones(6, int)
    )
    assert BinaryWeights([[1, 0]]) != "binary"
    assert BinaryWeights([[1, 0]]) == BinaryWeights(np.array([[True, False]]))


def test_arrays_are_read_only_copies() -> None:
    mine = bits(RNG, 2, 3)
    weights = BinaryWeights(mine)
    before = weights.bits.copy()
    mine[:] = 1 - mine
    assert (weights.bits == before).all()
    with pytest.raises(ValueError, match="read-only"):
        weights.bits[0, 0] = 1


def test_reach_of_a_huge_layer_from_a_small_tile_takes_no_memory() -> None:
    weights = TiledWeights((1 << 12, 1 << 12), np.ones(16, int), np.full(1 << 20, 3))
    assert weights.reach == 3 << 12


def test_reach_at_the_greatest_scales_does_not_overflow() -> None:
    weights = TiledWeights((1, 1 << 20), np.ones(1 << 19, int), [(1 << 15) - 1, 1])
    assert weights.reach == (1 << 19) * (1 << 15)


ZEROS, ONES = np.zeros((2, 3), int), np.ones(2, int)
ERRORS: list[tuple[Callable[[], Any], str]] = [
    (
        lambda: BinaryWeights([0, 1]),
        "weights have the shape (out, in) or (out, in, rows, columns), not (2,)",
    ),
    (
        lambda: BinaryWeights(np.zeros((2, 3, 3), int)),
        "weights have the shape (out, in) or (out, in, rows, columns), not (2, 3, 3)",
    ),
    (
        lambda: BinaryWeights(np.zeros((0, 3), int)),
        "every side of a layer's weights is an integer in 1..1048576, not so (0, 3)",
    ),
    (lambda: BinaryWeights([[0, 2]]), "binary weights must hold only the bits 0 and 1"),
    (lambda: BinaryWeights([[0, -1]]), "binary weights must hold only the bits 0 and 1"),
    (lambda: BinaryWeights([[0.0, 1.0]]), "binary weights must hold integers, not float64"),
    (
        lambda: CodebookWeights(np.zeros((3, 3, 3), int), ZEROS),
        "a codebook holds 2**tau kernels, tau 1 to 8, as (2**tau, rows, columns); "
        "not an array of shape (3, 3, 3)",
    ),
    (
        lambda: CodebookWeights(np.zeros((512, 3, 3), int), ZEROS),
        "a codebook holds 2**tau kernels, tau 1 to 8, as (2**tau, rows, columns); "
        "not an array of shape (512, 3, 3)",
    ),
    (
        lambda: CodebookWeights(np.zeros((2, 3), int), ZEROS),
        "a codebook holds 2**tau kernels, tau 1 to 8, as (2**tau, rows, columns); "
        "not an array of shape (2, 3)",
    ),
    (
        lambda: CodebookWeights(np.zeros((2, 3, 3), int), [1, 0]),
        "codebook indices are (out, in), not of shape (2,)",
    ),
    (
        lambda: CodebookWeights(np.zeros((2, 3, 3), int), ZEROS + 2),
        "codebook indices must lie in 0..1, not 2..2",
    ),
    (
        lambda: CodebookWeights(np.full((2, 3, 3), 3), ZEROS),
        "codewords must hold only the bits 0 and 1",
    ),
    (
        lambda: TiledWeights((2, 3), ONES, np.ones(4, int)),
        "a tile must repeat a whole number of times: 4 repeats do not divide the 6 weights of a "
        "layer of shape (2, 3)",
    ),
    (
        lambda: TiledWeights((2, 3), ONES, np.ones(0, int)),
        "a tile must repeat a whole number of times: 0 repeats do not divide the 6 weights of a "
        "layer of shape (2, 3)",
    ),
    (lambda: TiledWeights((2, 3), ONES, ONES), "tile must have shape (3,), not (2,)"),
    (lambda: TiledWeights((2, 2), ONES, [1, 0]), "tile scales must lie in 1..32767, not 0..1"),
    (
        lambda: TiledWeights((2, 2), ONES, [[1], [1]]),
        "tile scales must have shape (2,), not (2, 1)",
    ),
    (lambda: TiledWeights((2, 2), ONES, [1.0, 2.0]), "tile scales must hold integers, not float64"),
    (
        lambda: TiledWeights((2, "2"), ONES, ONES),
        "every side of a layer's weights is an integer in 1..1048576, not so (2, '2')",
    ),
    (
        lambda: TiledWeights((1 << 15, 1 << 15), ONES, ONES),
        "a layer has at most 16777216 weights, far more than fit a board; "
        "the shape (32768, 32768) has 1073741824",
    ),
    (
        lambda: weights_from_parts("ternary", {}, {}),
        "unknown weight encoding 'ternary'; known are binary, codebook, tiled, planes",
    ),
    (lambda: weights_from_parts("codebook", {}, {}), "the array 'codewords' is missing"),
    (
        lambda: weights_from_parts("binary", {"x": 1}, {"bits": ZEROS, "more": ZEROS}),
        "unknown parts: 'x', 'more'",
    ),
    (
        lambda: weights_from_parts("binary", {"bits": [[1]]}, {}),
        "the array 'bits' is missing",
    ),
    (
        lambda: weights_from_parts("tiled", {"shape": "22"}, {}),
        "attribute 'shape' must be a list of integers, not '22'",
    ),
]


@pytest.mark.parametrize(("function", "text"), ERRORS, ids=range(len(ERRORS)))
def test_errors(function: Callable[[], Any], text: str) -> None:
    assert message(function, NetworkError) == text
