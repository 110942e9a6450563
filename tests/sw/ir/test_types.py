"""TensorType: ranges, widths and its errors."""

from collections.abc import Callable
from typing import Any

import pytest

from subbit.sw.errors import NetworkError
from subbit.sw.ir import Encoding, TensorType
from tests.sw.samples import message


@pytest.mark.parametrize("width", range(1, 9))
def test_code_ranges(width: int) -> None:
    top = (1 << width) - 1
    unsigned = TensorType.codes(1, 1, 1, width, Encoding.UNSIGNED)
    bipolar = TensorType.codes(1, 1, 1, width)
    assert (unsigned.low, unsigned.high, unsigned.value_range) == (0, top, (0, top))
    assert (bipolar.low, bipolar.high, bipolar.value_range) == (0, top, (-top, top))
    assert unsigned.is_code
    assert not bipolar.signed


@pytest.mark.parametrize(
    ("low", "high", "width"),
    [
        (0, 0, 1),
        (-1, 0, 1),
        (0, 1, 2),
        (-2, 1, 2),
        (-3, 1, 3),
        (-4, -4, 3),
        (5, 5, 4),
        (-5, -3, 4),
        (-(1 << 47), (1 << 47) - 1, 48),
    ],
)
def test_integers_take_the_narrowest_width(low: int, high: int, width: int) -> None:
    kind = TensorType.integers(2, 3, 4, low, high)
    assert kind.bits == width
    assert kind.value_range == (low, high)
    assert kind.signed


def test_shape_and_text() -> None:
    kind = TensorType.codes(2, 3, 4, 5)
    assert (kind.shape, kind.elements, str(kind)) == ((2, 3, 4), 24, "2x3x4 bipolar 5 bit")
    assert str(TensorType.integers(1, 1, 2, -3, 4)) == "1x1x2 integer -3..4"
    assert kind.with_shape(1, 1, 24) == TensorType.codes(1, 1, 24, 5)
    assert len({kind, TensorType.codes(2, 3, 4, 5)}) == 1


ERRORS: list[tuple[Callable[[], Any], str]] = [
    (
        lambda: TensorType.codes(0, 1, 1, 1),
        "every side of a tensor must be an integer of at least 1, not (0, 1, 1)",
    ),
    (
        lambda: TensorType.codes(1, True, 2.5, 1),
        "every side of a tensor must be an integer of at least 1, not (1, True, 2.5)",
    ),
    (
        lambda: TensorType.codes(1 << 20, 1 << 20, 1, 1),
        "a tensor of shape (1048576, 1048576, 1) has more than 67108864 elements",
    ),
    (lambda: TensorType.codes(1, 1, 1, 9), "codes are 1 to 8 bits wide, not 9"),
    (lambda: TensorType.codes(1, 1, 1, True), "codes are 1 to 8 bits wide, not True"),
    (
        lambda: TensorType.codes(1, 1, 1, 1, Encoding.INTEGER),
        "codes are unsigned or bipolar; use TensorType.integers for integers",
    ),
    (
        lambda: TensorType.integers(1, 1, 1, 1, 0),
        "an integer range must not be empty, but 1 > 0",
    ),
    (
        lambda: TensorType.integers(1, 1, 1, 0, 1 << 47),
        "integers in 0..140737488355328 need 49 bits; at most 48 are supported",
    ),
    (
        lambda: TensorType(1, 1, 1, Encoding.BIPOLAR, 2, 0, 1),
        "bipolar elements of 2 bits do not range over 0..1",
    ),
    (
        lambda: TensorType(1, 1, 1, Encoding.INTEGER, 2, -3, 1),
        "integer elements of 2 bits do not range over -3..1",
    ),
]


@pytest.mark.parametrize(("function", "text"), ERRORS, ids=range(len(ERRORS)))
def test_errors(function: Callable[[], Any], text: str) -> None:
    assert message(function, NetworkError) == text
