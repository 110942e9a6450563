"""The parts of the importers alone: integers, planes, pixels, the fixed-point end."""

from fractions import Fraction

import numpy as np
import pytest

from subbit.sw.data import preprocess
from subbit.sw.errors import DataError
from subbit.sw.importers.exact.ending import fixed_point, keeps_orders
from subbit.sw.importers.exact.integers import Inexact, as_integers, as_weights
from subbit.sw.importers.exact.pixels import PIXELS, Pixels
from subbit.sw.importers.exact.value import Const, exact
from subbit.sw.ir import BinaryWeights, PlanesWeights
from tests.sw.samples import message

WEIGHTS = {
    "binary": ([-1, 1, 1, -1], "binary", (), 1),
    "scaled binary": ([-3, 3, 3, -3], "binary", (), 3),
    "ternary": ([-1, 0, 1, 0], "planes", (1, 1), Fraction(1, 2)),
    "odd": ([-3, 1, -1, 3], "planes", (1, 2), 1),
    "all of three bits": (range(-4, 4), "planes", (1, 1, 2, 4), Fraction(1, 2)),
    "narrow": (range(-7, 8), "planes", (1, 1, 2, 4, 8), Fraction(1, 2)),
    "eight bits": (range(-128, 128), "planes", (1, 1, 2, 4, 8, 16, 32, 64, 128), Fraction(1, 2)),
    "zeros": ([0, 0, 0], "planes", (1, 1), Fraction(1, 2)),
}


@pytest.mark.parametrize("name", WEIGHTS)
def test_weights_are_exact(name: str) -> None:
    row, encoding, scales, factor = WEIGHTS[name]
    numbers = np.array([list(row)], np.int64)
    weights, found = as_weights(numbers)
    assert weights.encoding == encoding
    assert getattr(weights, "scales", ()) == scales
    assert found == factor
    assert (weights.dense() * found == numbers).all()


def test_weights_beyond_nine_planes_are_refused() -> None:
    with pytest.raises(Inexact, match="too many bits"):
        as_weights(np.array([[-200, 3, 200]]))
    assert isinstance(as_weights(np.array([[-255, 255, 1]]))[0], PlanesWeights)
    assert isinstance(as_weights(np.array([[-255, 255]]))[0], BinaryWeights)


def test_real_rows_have_a_factor_each() -> None:
    rows = np.array([[0.5, -0.5, 1.0], [0.1, 0.1, -0.1]], np.float32)
    numbers, factors = as_integers(Const(rows))
    assert numbers.tolist() == [[1, -1, 2], [1, 1, -1]]
    assert factors.tolist() == [Fraction(1, 2), Fraction(float(np.float32(0.1)))]


@pytest.mark.parametrize("zero", [0.0, 0.5, -2.0])
def test_zero_points_of_weights(zero: float) -> None:
    array = np.array([[1, 2, -3]], np.float32) - np.float32(zero)
    numbers, factors = as_integers(Const(array, np.float32(0.25)))
    assert (numbers * factors == exact(array) / 4).all()


def table(*limits: int) -> np.ndarray:
    """How many limits each pixel reaches."""
    return np.searchsorted(limits, PIXELS, side="right")


@pytest.mark.parametrize(
    ("rows", "bits", "expected"),
    [
        ([table(128)], 1, {"bits": 1, "shift": 7}),
        ([table(127)], 1, {"bits": 1, "thresholds": [127]}),
        ([table(64, 192)], 2, {"bits": 2, "thresholds": [64, 192]}),
        ([PIXELS, PIXELS], 8, {"bits": 8, "shift": 0}),
        ([table(3), table(4)], 1, {"bits": 1, "thresholds": [[3], [4]]}),
        ([table(0, 256)], 2, {"bits": 2, "thresholds": [0]}),
        ([table(256)], 1, {"bits": 1, "thresholds": [256]}),
    ],
)
def test_preprocessing_is_the_table(
    rows: list[np.ndarray], bits: int, expected: dict[str, object]
) -> None:
    pixels = Pixels(np.array(rows), bits)
    assert pixels.preprocess() == expected
    images = np.stack([PIXELS] * len(rows), axis=-1)[None].astype(np.uint8)
    codes = preprocess(images, pixels.preprocess())
    assert (np.array(rows) == codes[0].T).all()


BAD = ([], [2, 1], [1, 2, 3, 4], [-1], [257], [1.5], [[1], [2]], [[1], 2], "12", [True])


@pytest.mark.parametrize("thresholds", BAD)
def test_bad_thresholds_are_refused(thresholds: object) -> None:
    images = np.zeros((1, 2, 2, 3), np.uint8)
    text = message(lambda: preprocess(images, {"bits": 2, "thresholds": thresholds}), DataError)
    assert "thresholds" in text


def fractions(*numbers: float) -> np.ndarray:
    """The numbers, exact."""
    return exact(np.array(numbers))


def test_an_exact_end_is_found() -> None:
    scale, offset, step = fixed_point(fractions(0.5, 0.5), fractions(0.25, 1.5))
    assert (scale.tolist(), offset.tolist(), step) == ([2, 2], [0, 5], Fraction(1, 4))


def test_order_is_proven_where_it_holds() -> None:
    one, real = fractions(1, 1), fractions(0, 0.3)
    assert keeps_orders(one, real, fractions(4, 4), fractions(0, 1), 100)
    assert not keeps_orders(one, real, fractions(4, 4), fractions(0, 0), 100)
    assert not keeps_orders(one, real, fractions(4, 4), fractions(0, 4), 100)
    assert not keeps_orders(fractions(1, 2), real, fractions(4, 8), fractions(0, 1), 100)
