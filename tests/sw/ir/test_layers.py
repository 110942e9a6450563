"""The rule of each layer: the type of its output, and its errors."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from subbit.sw.errors import NetworkError
from subbit.sw.ir import (
    Affine,
    Argmax,
    AvgPool2d,
    Conv2d,
    Encoding,
    Flatten,
    Layer,
    Linear,
    MaxPool2d,
    Padding,
    TensorType,
    Threshold,
)
from tests.sw.samples import binary, bits, codebook, message, threshold, tiled

RNG = np.random.default_rng(12)
CODES, INTEGERS = TensorType.codes, TensorType.integers


@pytest.mark.parametrize("kernel", [1, 2, 3, 4])
@pytest.mark.parametrize("stride", [1, 4])
@pytest.mark.parametrize("padding", list(Padding))
@pytest.mark.parametrize(("height", "width"), [(5, 5), (6, 9), (8, 7)])
def test_convolution_shape(
    kernel: int, stride: int, padding: Padding, height: int, width: int
) -> None:
    if kernel == 1 and padding is not Padding.NONE:
        return
    layer = Conv2d(binary(RNG, (4, 3, kernel, kernel)), stride, padding)
    pad = 0 if padding is Padding.NONE else kernel // 2
    rows = len(range(0, height + 2 * pad - kernel + 1, stride))
    columns = len(range(0, width + 2 * pad - kernel + 1, stride))
    reach = 3 * kernel**2 * 3
    assert layer.infer((CODES(height, width, 3, 2),)) == INTEGERS(rows, columns, 4, -reach, reach)


@pytest.mark.parametrize(
    ("layer", "given", "result"),
    [
        (Linear(binary(RNG, (3, 5))), CODES(1, 1, 5, 1), INTEGERS(1, 1, 3, -5, 5)),
        (
            Linear(binary(RNG, (3, 5))),
            CODES(1, 1, 5, 8, Encoding.UNSIGNED),
            INTEGERS(1, 1, 3, -1275, 1275),
        ),
        (MaxPool2d(), CODES(5, 6, 3, 2), CODES(2, 3, 3, 2)),
        (MaxPool2d(), INTEGERS(2, 2, 1, -3, 9), INTEGERS(1, 1, 1, -3, 9)),
        (Flatten(), CODES(2, 3, 4, 1), CODES(1, 1, 24, 1)),
        (threshold(RNG, 4, 3), INTEGERS(2, 2, 4, -9, 9), CODES(2, 2, 4, 3)),
        (Argmax(), INTEGERS(1, 1, 10, -9, 9), INTEGERS(1, 1, 1, 0, 9)),
        (Affine([2, -3], [1, 0]), INTEGERS(1, 1, 2, -4, 5), INTEGERS(1, 1, 2, -15, 12)),
    ],
)
def test_type_of_the_output(layer: Layer, given: TensorType, result: TensorType) -> None:
    assert layer.infer((given,)) == result


def test_weight_totals() -> None:
    conv = Conv2d(codebook(RNG, (4, 3, 3, 3)))
    assert (conv.weight_count, conv.weight_bits) == (108, 3 * 12 + 72)
    assert (Linear(tiled(RNG, (4, 6), 3)).weight_bits, Flatten().weight_bits) == (8, 0)


def test_equal_layers_are_one_key() -> None:
    conv = Conv2d(binary(RNG, (4, 3, 3, 3)), 2, "zero")
    same = Conv2d.from_parts(conv.attributes(), conv.tensors())
    assert {conv: 1}[same] == 1
    assert conv != Conv2d(conv.weights, 1, Padding.ZERO)
    act = Threshold([[1], [2]], [0, 1])
    assert len({act, Threshold([[1], [2]], [0, 1]), Threshold([[1], [2]], [1, 1])}) == 2
    assert Affine([1], [2]) == Affine([1], [2]) != Affine([2], [1])
    assert len({Argmax(), Argmax(), Flatten(), MaxPool2d()}) == 3


CONV = binary(RNG, (4, 3, 3, 3))
CODE_MAP, PIXELS = CODES(6, 6, 3, 1), CODES(6, 6, 3, 8, Encoding.UNSIGNED)
ERRORS: list[tuple[Callable[[], Any], str]] = [
    (
        lambda: Conv2d(binary(RNG, (4, 3))),
        "a convolution has weights (out, in, rows, columns) with kernels of 1 to 11 rows and "
        "columns, not (4, 3)",
    ),
    (
        lambda: Conv2d(binary(RNG, (4, 3, 2, 12))),
        "a convolution has weights (out, in, rows, columns) with kernels of 1 to 11 rows and "
        "columns, not (4, 3, 2, 12)",
    ),
    (
        lambda: Conv2d(CONV, 5),
        "the stride of a convolution is 1 to 4, or two such numbers for height and width, not 5",
    ),
    (
        lambda: Conv2d(CONV, dilation=(1, 0)),
        "the dilation of a convolution is 1 to 4, or two such numbers for height and width, "
        "not (1, 0)",
    ),
    (
        lambda: Conv2d(CONV, groups=3),
        "the groups of a convolution divide its 4 outputs, and 3 does not",
    ),
    (
        lambda: Conv2d(CONV, groups=2).infer((CODE_MAP,)),
        "the weights (4, 3, 3, 3) want 6 input channels, not 3",
    ),
    (
        lambda: Conv2d(CONV, 1, "same"),
        "the padding of a convolution is one of none, zero, minus, plus, not 'same'",
    ),
    (
        lambda: Conv2d(binary(RNG, (4, 3, 1, 1)), 1, Padding.ZERO),
        "a 1x1 convolution has no padding",
    ),
    (
        lambda: Conv2d(CONV).infer((INTEGERS(6, 6, 3, 0, 1 << 23),)),
        "integers of at most 24 bits meet weights, not 6x6x3 integer 0..8388608; put a threshold "
        "before the layer",
    ),
    (
        lambda: Conv2d(CONV).infer((CODES(6, 6, 4, 1),)),
        "the weights (4, 3, 3, 3) want 3 input channels, not 4",
    ),
    (
        lambda: Conv2d(CONV, 1, Padding.MINUS).infer((PIXELS,)),
        "padding with -1 or +1 needs bipolar inputs; use zero padding for unsigned ones",
    ),
    (
        lambda: Conv2d(CONV).infer((CODES(2, 6, 3, 1),)),
        "a 3x3 kernel does not fit an input of 2x6",
    ),
    (lambda: Conv2d(CONV).infer((CODE_MAP, CODE_MAP)), "the layer takes one input, not 2"),
    (lambda: Linear(CONV), "a linear layer has weights (out, in), not (4, 3, 3, 3)"),
    (
        lambda: Linear(binary(RNG, (2, 3))).infer((INTEGERS(1, 1, 3, -1 - (1 << 23), 1),)),
        "integers of at most 24 bits meet weights, not 1x1x3 integer -8388609..1; put a threshold "
        "before the layer",
    ),
    (
        lambda: Linear(binary(RNG, (2, 3))).infer((CODE_MAP,)),
        "a linear layer takes a flat input, not 6x6x3 bipolar 1 bit; put a flatten layer before it",
    ),
    (
        lambda: Linear(binary(RNG, (2, 3))).infer((CODES(1, 1, 4, 1),)),
        "the weights (2, 3) want 3 inputs, not 4",
    ),
    (
        lambda: Linear(tiled(RNG, (2, 6), 2, True)).infer((CODES(1, 1, 6, 8), CODE_MAP)),
        "the layer takes one input, not 2",
    ),
    (
        lambda: MaxPool2d().infer((CODES(1, 6, 3, 1),)),
        "2x2 max pooling does not fit an input of 1x6",
    ),
    (
        lambda: Threshold([[1, 2]], [1]),
        "thresholds are (channels, 2**M - 1) with M from 1 to 8, not of shape (1, 2)",
    ),
    (
        lambda: Threshold([1], [1]),
        "thresholds are (channels, 2**M - 1) with M from 1 to 8, not of shape (1,)",
    ),
    (
        lambda: Threshold([[1, 2, 3], [1, 3, 2]], [1, 1]),
        "the thresholds of channel 1 are not in ascending order",
    ),
    (lambda: Threshold([[1.5]], [1]), "thresholds must hold integers, not float64"),
    (
        lambda: Threshold([[1 << 50]], [1]),
        "thresholds must lie in -140737488355328..140737488355328, "
        "not 1125899906842624..1125899906842624",
    ),
    (lambda: Threshold([[1]], [2]), "rising must hold only the bits 0 and 1"),
    (lambda: Threshold([[1]], [1, 1]), "rising must have shape (1,), not (2,)"),
    (
        lambda: threshold(RNG, 3).infer((CODE_MAP,)),
        "a threshold takes integers, not 6x6x3 bipolar 1 bit",
    ),
    (
        lambda: threshold(RNG, 3).infer((INTEGERS(1, 1, 4, 0, 1),)),
        "there are thresholds for 3 channels, not 4",
    ),
    (
        lambda: Affine([1 << 17], [0]),
        "affine scale must lie in -131072..131071, not 131072..131072",
    ),
    (lambda: Affine([1], [0, 0]), "affine offset must have shape (1,), not (2,)"),
    (
        lambda: Affine([1], [0]).infer((CODES(1, 1, 1, 1),)),
        "an affine layer takes integers, not 1x1x1 bipolar 1 bit",
    ),
    (
        lambda: Affine([1], [0]).infer((INTEGERS(1, 1, 2, 0, 1),)),
        "there are scales for 1 channels, not 2",
    ),
    (
        lambda: Affine([(1 << 17) - 1], [0]).infer((INTEGERS(1, 1, 1, 0, (1 << 47) - 1),)),
        "integers in 0..18446603336221065217 need 65 bits; at most 48 are supported",
    ),
    (
        lambda: Argmax().infer((CODES(1, 1, 4, 1),)),
        "argmax takes integers, not 1x1x4 bipolar 1 bit",
    ),
    (lambda: Argmax.from_parts({"axis": 1}, {}), "unknown parts: 'axis'"),
    (lambda: Flatten.from_parts({}, {"x": CONV}), "unknown parts: 'x'"),
    (lambda: MaxPool2d.from_parts({"size": 3}, {}), "unknown parts: 'size'"),
    (lambda: Threshold.from_parts({}, {}), "the array 'thresholds' is missing"),
    (lambda: Affine.from_parts({}, {"scale": bits(RNG, 1)}), "the array 'offset' is missing"),
    (
        lambda: Conv2d.from_parts({"stride": True}, {}),
        "attribute 'stride' is 1 to 4, or two such numbers for height and width, not True",
    ),
    (
        lambda: Conv2d.from_parts({"stride": 1, "padding": []}, {}),
        "attribute 'padding' must be one of none, zero, minus, plus, not []",
    ),
    (
        lambda: Conv2d.from_parts({"stride": 1, "padding": "none"}, {}),
        "unknown weight encoding 'None'; known are binary, codebook, tiled, planes",
    ),
    (
        lambda: Linear.from_parts({"weights": "binary", "bias": 1}, {"bits": bits(RNG, 1, 1)}),
        "unknown parts: 'bias'",
    ),
]


@pytest.mark.parametrize(("function", "text"), ERRORS, ids=range(len(ERRORS)))
def test_errors(function: Callable[[], Any], text: str) -> None:
    assert message(function, NetworkError) == text


UNEVEN = [
    (
        lambda: Conv2d(CONV, 1, Padding.ZERO, (0, 0, 0, 3)),
        "padding zero of a 3x3 kernel adds 0 to 2 elements above and below, 0 to 2 left and "
        "right, not (0, 0, 0, 3) (above, left, below, right)",
    ),
    (
        lambda: Conv2d(CONV, 1, Padding.NONE, (0, 0, 0, 1)),
        "padding none of a 3x3 kernel adds 0 to 0 elements above and below, 0 to 0 left and "
        "right, not (0, 0, 0, 1) (above, left, below, right)",
    ),
    (
        lambda: Conv2d(CONV, 1, Padding.ZERO, (0, 0, 0, 0)),
        "padding zero without any elements; its name is none",
    ),
    (
        lambda: Conv2d.from_parts({"stride": 1, "padding": "zero", "pads": [1, 1]}, {}),
        "attribute 'pads' must be a list of four integers, those above, left, below and right, "
        "not [1, 1]",
    ),
]


@pytest.mark.parametrize(("function", "text"), UNEVEN, ids=range(len(UNEVEN)))
def test_pads_that_do_not_fit(function: Callable[[], Any], text: str) -> None:
    assert message(function, NetworkError) == text


def test_pads_are_kept_where_they_are_not_the_usual_ones() -> None:
    usual, uneven = Conv2d(CONV, 2, Padding.ZERO), Conv2d(CONV, 2, Padding.ZERO, (0, 0, 1, 1))
    assert usual == Conv2d(CONV, 2, Padding.ZERO, (1, 1, 1, 1))
    assert usual != uneven
    assert "pads" not in usual.attributes()
    assert Conv2d.from_parts(uneven.attributes(), uneven.tensors()) == uneven
    assert uneven.infer((CODES(6, 6, 3, 1),)).shape == (3, 3, 4)


def test_pools_are_written_as_ever() -> None:
    assert MaxPool2d().attributes() == MaxPool2d((2, 2), 2).attributes() == {}
    assert MaxPool2d.from_parts({}, {}) == MaxPool2d()
    padded = MaxPool2d((3, 2), (2, 1), (1, 0, 2, 1))
    given = {"kernel": [3, 2], "stride": [2, 1], "pads": [1, 0, 2, 1]}
    assert padded.attributes() == given
    assert MaxPool2d.from_parts(dict(given), {}) == padded
    assert padded.infer((CODES(7, 5, 3, 2),)) == CODES(4, 5, 3, 2)
    assert MaxPool2d((9, 40)).infer((INTEGERS(9, 80, 1, -3, 9),)) == INTEGERS(1, 2, 1, -3, 9)
    assert AvgPool2d(2, 1).attributes() == {"kernel": 2, "stride": 1}
    sums = AvgPool2d(3, 2, (1, 1, 1, 1)).infer((INTEGERS(4, 4, 1, 2, 9),))
    assert sums == INTEGERS(2, 2, 1, 0, 81)


def test_a_file_says_what_differs_from_the_usual() -> None:
    """Square convolutions are written as ever, so that digests stay as they are."""
    plain = Conv2d(CONV, (2, 2), Padding.ZERO, dilation=(1, 1))
    assert plain == Conv2d(CONV, 2, Padding.ZERO)
    assert plain.attributes() == {"stride": 2, "padding": "zero", "weights": "binary"}
    weights = binary(RNG, (4, 3, 1, 6))
    other = Conv2d(weights, (1, 3), Padding.ZERO, (0, 2, 0, 4), (4, 2), 2)
    given = {"stride": [1, 3], "padding": "zero", "pads": [0, 2, 0, 4], "dilation": [1, 2]}
    assert other.attributes() == {**given, "groups": 2, "weights": "binary"}
    assert Conv2d.from_parts(other.attributes(), other.tensors()) == other
    assert other.infer((CODES(1, 20, 6, 1),)).shape == (1, 6, 4)
