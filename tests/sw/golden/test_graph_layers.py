"""Pooling sums, depthwise convolutions and additions against loops over Python's integers."""

from itertools import product

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.nn import functional

from subbit.sw.golden import evaluate
from subbit.sw.ir import (
    Add,
    AvgPool2d,
    DepthwiseConv2d,
    Encoding,
    GlobalAvgPool,
    Layer,
    MaxPool2d,
    Network,
    Node,
    Padding,
    TensorType,
)
from subbit.sw.ir.window import Window
from tests.sw.samples import binary, codes

RNG = np.random.default_rng(24)
Numbers = NDArray[np.int64]
KINDS = [(1, Encoding.BIPOLAR), (3, Encoding.BIPOLAR), (8, Encoding.UNSIGNED)]


def value(kind: TensorType, code: int) -> int:
    """What one code stands for."""
    return 2 * code - (2**kind.bits - 1) if kind.encoding is Encoding.BIPOLAR else code


def golden(source: TensorType, layer: Layer, given: Numbers) -> Numbers:
    """The layer's output."""
    network = Network.chain("one", source, {"layer": layer})
    found: Numbers = evaluate(network, given)["layer"].numpy()
    kind = network.output_type
    assert found.dtype == np.int64
    assert found.shape[1:] == kind.shape
    assert kind.low <= found.min()
    assert found.max() <= kind.high
    return found


@pytest.mark.parametrize(("bits", "kind"), KINDS)
@pytest.mark.parametrize(("kernel", "stride"), [(2, 2), (2, 1), (3, 2), (5, 5), (2, 3)])
def test_average_pooling_sums(bits: int, kind: Encoding, kernel: int, stride: int) -> None:
    source = TensorType.codes(7, 5, 2, bits, kind)
    given = codes(RNG, source, 2)
    found = golden(source, AvgPool2d(kernel, stride), given)
    for n, y, x, c in np.ndindex(found.shape):
        block = product(range(kernel), range(kernel))
        pixels = [given[n, y * stride + i, x * stride + j, c] for i, j in block]
        assert found[n, y, x, c] == sum(value(source, int(pixel)) for pixel in pixels)


@pytest.mark.parametrize("ceil_mode", [False, True])
def test_pooling_is_that_of_torch(ceil_mode: bool) -> None:
    """Random windows, padding as torch has it, and the windows that its ceil mode adds."""
    draw, checked = np.random.default_rng(11), 0
    while checked < 30:
        kernel, stride = (tuple(draw.integers(1, 9, 2).tolist()) for _ in range(2))
        pads = tuple(int(draw.integers(0, side // 2 + 1)) for side in kernel)
        height, width = draw.integers(1, 12, 2).tolist()
        window = Window(kernel, stride, pads=(*pads, *pads))
        if min(window.outputs(height, width)) < 1:
            continue
        checked += 1
        window = window.rounded_up(height, width) if ceil_mode else window
        source = TensorType.codes(height, width, 2, 3, Encoding.UNSIGNED)
        given = codes(draw, source, 2)
        x = torch.from_numpy(given).double().permute(0, 3, 1, 2)
        greatest = functional.max_pool2d(x, kernel, stride, pads, 1, ceil_mode)
        sums = functional.avg_pool2d(x, kernel, stride, pads, ceil_mode, divisor_override=1)
        for layer, wanted in ((MaxPool2d, greatest), (AvgPool2d, sums)):
            found = golden(source, layer(kernel, stride, window.pads), given)
            np.testing.assert_array_equal(found, wanted.permute(0, 2, 3, 1).round().numpy())


@pytest.mark.parametrize(("bits", "kind"), KINDS)
def test_global_average_pooling_sums(bits: int, kind: Encoding) -> None:
    source = TensorType.codes(3, 4, 5, bits, kind)
    given = codes(RNG, source, 3)
    found = golden(source, GlobalAvgPool(), given)
    for n, c in product(range(3), range(5)):
        pixels = given[n, :, :, c].ravel().tolist()
        assert found[n, 0, 0, c] == sum(value(source, pixel) for pixel in pixels)


@pytest.mark.parametrize(("bits", "kind"), KINDS)
@pytest.mark.parametrize("padding", list(Padding))
@pytest.mark.parametrize(
    ("kernel", "stride", "pads"),
    [(3, 1, None), (2, 3, None), (5, 1, None), (3, 2, (0, 1, 1, 0)), (5, 2, (1, 2, 4, 0))],
)
def test_depthwise(
    bits: int,
    kind: Encoding,
    padding: Padding,
    kernel: int,
    stride: int,
    pads: tuple[int, int, int, int] | None,
) -> None:
    if kind is Encoding.UNSIGNED and padding in (Padding.MINUS, Padding.PLUS):
        return
    source = TensorType.codes(5, 6, 3, bits, kind)
    if padding is Padding.NONE:
        pads = None
    layer = DepthwiseConv2d(binary(RNG, (3, 1, kernel, kernel)), stride, padding, pads)
    above, left = layer.window.pads[:2]
    given, weights, top = codes(RNG, source, 2), layer.weights.dense(), 2**bits - 1
    around = {"none": 0, "zero": 0, "minus": -top, "plus": top}[padding]
    found = golden(source, layer, given)
    for n, row, column, c in np.ndindex(found.shape):
        total = 0
        for i, j in product(range(kernel), range(kernel)):
            y, x = row * stride + i - above, column * stride + j - left
            inside = 0 <= y < 5 and 0 <= x < 6
            pixel = value(source, int(given[n, y, x, c])) if inside else around
            total += int(weights[c, 0, i, j]) * pixel
        assert found[n, row, column, c] == total


@pytest.mark.parametrize(("bits", "kind"), KINDS)
def test_addition(bits: int, kind: Encoding) -> None:
    source = TensorType.codes(3, 4, 2, bits, kind)
    given = codes(RNG, source, 3)
    nodes = (
        Node("sum", AvgPool2d(2, 1), ("input",)),
        Node("twice", Add(1, 3), ("sum", "sum")),
        Node("dw", DepthwiseConv2d(binary(RNG, (2, 1, 3, 3)), 1, "zero"), ("input",)),
        Node("join", Add(0, 2), ("dw", "input")),
        Node("all", AvgPool2d(2, 1), ("join",)),
        Node("end", Add(), ("all", "twice")),
    )
    found = {k: v.numpy() for k, v in evaluate(Network("sums", source, nodes), given).items()}
    values = 2 * given - (2**bits - 1) if kind is Encoding.BIPOLAR else given
    np.testing.assert_array_equal(found["twice"], 10 * found["sum"])
    np.testing.assert_array_equal(found["join"], found["dw"] + 4 * values)
    np.testing.assert_array_equal(found["end"], found["all"] + found["twice"])
