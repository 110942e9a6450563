"""Pooling sums, depthwise convolutions and additions: types, errors, and the file."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from subbit.sw.errors import NetworkError
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
    load_network,
    save_network,
)
from tests.sw.samples import binary, codebook, message

RNG = np.random.default_rng(14)
CODES, INTEGERS = TensorType.codes, TensorType.integers
UNSIGNED = Encoding.UNSIGNED
KERNELS = binary(RNG, (3, 1, 3, 3))


@pytest.mark.parametrize(
    ("layer", "given", "result"),
    [
        (AvgPool2d(2), [CODES(4, 7, 3, 2)], INTEGERS(2, 3, 3, -12, 12)),
        (AvgPool2d(3, 2), [CODES(7, 8, 3, 4, UNSIGNED)], INTEGERS(3, 3, 3, 0, 135)),
        (AvgPool2d(8, 1), [INTEGERS(9, 8, 1, -3, 5)], INTEGERS(2, 1, 1, -192, 320)),
        (GlobalAvgPool(), [CODES(4, 5, 3, 1)], INTEGERS(1, 1, 3, -20, 20)),
        (GlobalAvgPool(), [INTEGERS(2, 2, 3, -1, 4)], INTEGERS(1, 1, 3, -4, 16)),
        (DepthwiseConv2d(KERNELS), [CODES(5, 6, 3, 2)], INTEGERS(3, 4, 3, -27, 27)),
        (DepthwiseConv2d(KERNELS, 2, "zero"), [CODES(5, 6, 3, 1)], INTEGERS(3, 3, 3, -9, 9)),
        (Add(), [CODES(2, 3, 4, 1), INTEGERS(2, 3, 4, -9, 7)], INTEGERS(2, 3, 4, -10, 8)),
        (Add(0, 2), [CODES(2, 3, 4, 2), CODES(2, 3, 4, 1)], INTEGERS(2, 3, 4, -7, 7)),
        (Add(3), [CODES(1, 1, 4, 2, UNSIGNED)] * 2, INTEGERS(1, 1, 4, 0, 27)),
    ],
)
def test_type_of_the_output(layer: Layer, given: list[TensorType], result: TensorType) -> None:
    assert layer.infer(tuple(given)) == result


def test_without_a_stride_windows_lie_side_by_side() -> None:
    assert AvgPool2d(3) == AvgPool2d(3, 3) != AvgPool2d(3, 1)


def residual(rng: np.random.Generator) -> Network:
    """Every layer of this page, in a graph."""
    nodes = (
        Node("dw", DepthwiseConv2d(binary(rng, (2, 1, 3, 3)), 1, "zero"), ("input",)),
        Node("join", Add(0, 1), ("dw", "input")),
        Node("pool", AvgPool2d(2, 1), ("join",)),
        Node("all", GlobalAvgPool(), ("pool",)),
    )
    return Network("residual", CODES(4, 5, 2, 2), nodes)


def test_graphs_travel_in_files(tmp_path: Path) -> None:
    network = residual(RNG)
    save_network(network, tmp_path / "net.safetensors")
    loaded = load_network(tmp_path / "net.safetensors")
    assert loaded == network
    assert loaded.digest == network.digest
    assert [node.name for node in loaded.readers("input")] == ["dw", "join"]
    assert (network.weight_count, network.weight_bits) == (18, 18)


MAP = CODES(6, 6, 3, 1)
ERRORS: list[tuple[Callable[[], Any], str]] = [
    (
        lambda: AvgPool2d(9, (9, 8)),
        "windows of average pooling that overlap have up to 8 rows and columns, not 9 by steps of "
        "8",
    ),
    (
        lambda: MaxPool2d(0),
        "the kernel of max pooling is 1 to 1024, or two such numbers for height and width, not 0",
    ),
    (
        lambda: AvgPool2d((2, 3), pads=(1, 1, 1, 3)),
        "the padding of 2x3 average pooling is 0 to 1 elements above and below, 0 to 2 left and "
        "right, not (1, 1, 1, 3) (above, left, below, right)",
    ),
    (
        lambda: AvgPool2d(7).infer((MAP,)),
        "7x7 average pooling does not fit an input of 6x6",
    ),
    (lambda: AvgPool2d(2).infer((MAP, MAP)), "the layer takes one input, not 2"),
    (lambda: GlobalAvgPool().infer(()), "the layer takes one input, not 0"),
    (lambda: Add(25), "an addition shifts by 0 to 24 bits, not 25"),
    (lambda: Add().infer((MAP,)), "an addition takes two inputs, not 1"),
    (
        lambda: Add().infer((MAP, CODES(3, 3, 6, 1))),
        "both inputs of an addition must have one shape (height, width, channels), not (6, 6, 3) "
        "and (3, 3, 6); give the shorter path the stride and channels of the other, as a 1x1 "
        "convolution can",
    ),
    (
        lambda: Add(24, 24).infer((INTEGERS(1, 1, 1, -(1 << 23), 0),) * 2),
        "integers in -281474976710656..0 need 49 bits; at most 48 are supported",
    ),
    (
        lambda: DepthwiseConv2d(binary(RNG, (3, 2, 3, 3))),
        "a depthwise convolution has weights (channels, 1, rows, columns), not (3, 2, 3, 3)",
    ),
    (
        lambda: DepthwiseConv2d(codebook(RNG, (3, 1, 3, 3))),
        "the weights of a depthwise convolution are binary or planes, not codebook",
    ),
    (
        lambda: DepthwiseConv2d(KERNELS, 5),
        "the stride of a convolution is 1 to 4, or two such numbers for height and width, not 5",
    ),
    (
        lambda: DepthwiseConv2d(KERNELS, 1, "same"),
        "the padding of a convolution is one of none, zero, minus, plus, not 'same'",
    ),
    (
        lambda: DepthwiseConv2d(KERNELS).infer((INTEGERS(6, 6, 3, 0, 1),)),
        "a depthwise convolution takes codes, not 6x6x3 integer 0..1; put a threshold before it",
    ),
    (
        lambda: DepthwiseConv2d(KERNELS).infer((CODES(6, 6, 4, 1),)),
        "the weights (3, 1, 3, 3) want 3 input channels, not 4",
    ),
    (
        lambda: DepthwiseConv2d(KERNELS, 1, "minus").infer((CODES(6, 6, 3, 8, UNSIGNED),)),
        "padding with -1 or +1 needs bipolar inputs; use zero padding for unsigned ones",
    ),
    (
        lambda: DepthwiseConv2d(KERNELS).infer((CODES(2, 6, 3, 1),)),
        "a 3x3 kernel does not fit an input of 2x6",
    ),
    (
        lambda: AvgPool2d.from_parts({"kernel": "2", "stride": 1}, {}),
        "attribute 'kernel' is 1 to 1024, or two such numbers for height and width, not '2'",
    ),
    (lambda: GlobalAvgPool.from_parts({"axis": 1}, {}), "unknown parts: 'axis'"),
    (
        lambda: Add.from_parts({"shift_a": 0}, {}),
        "attribute 'shift_b' must be an integer in 0..24, not None",
    ),
    (
        lambda: Network(
            "n", MAP, (Node("a", AvgPool2d(2), ("input",)), Node("b", Add(), ("a", "input")))
        ),
        "layer 'b' (add): both inputs of an addition must have one shape (height, width, "
        "channels), not (3, 3, 3) and (6, 6, 3); give the shorter path the stride and channels of "
        "the other, as a 1x1 convolution can",
    ),
    (
        lambda: Network(
            "n",
            MAP,
            (Node("a", AvgPool2d(2), ("input",)), Node("b", GlobalAvgPool(), ("input",))),
        ),
        "nothing reads the output of a; a network has one output, its last layer's: let another "
        "layer read it, or leave it out",
    ),
]


@pytest.mark.parametrize(("function", "text"), ERRORS, ids=range(len(ERRORS)))
def test_errors(function: Callable[[], Any], text: str) -> None:
    assert message(function, NetworkError) == text


def test_padding_is_one_of_the_enumeration() -> None:
    assert DepthwiseConv2d(KERNELS, 1, "zero").padding is Padding.ZERO
