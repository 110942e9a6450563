"""Modules with windows of any shape, and of 1-D networks: their export against themselves."""

import numpy as np
import pytest
import torch
from torch import nn

from subbit.sw.errors import NetworkError
from subbit.sw.importers.torch.export import export
from subbit.sw.ir import Encoding, Padding, TensorType
from subbit.sw.nn.joins import AvgPool2d
from subbit.sw.nn.layers import (
    BatchNorm,
    BinaryConv2d,
    BinaryLinear,
    DepthwiseConv2d,
    Flatten,
    MaxPool2d,
    QuantActivation,
    QuantConv2d,
    SignActivation,
)
from subbit.sw.nn.lines import (
    AvgPool1d,
    BinaryConv1d,
    DepthwiseConv1d,
    MaxPool1d,
    QuantConv1d,
)
from tests.sw.importers.test_export import shuffled
from tests.sw.nn.nn_checks import assert_same

ZERO, PLUS = Padding.ZERO, Padding.PLUS


def sign(channels: int) -> list[nn.Module]:
    """BatchNorm and signs."""
    return [shuffled(BatchNorm(channels), channels), SignActivation()]


def stem() -> list[nn.Module]:
    """A 7x7 stem of stride 2, 3x3 pooling of stride 2, groups, and an oblong kernel."""
    return [
        *(BinaryConv2d(2, 4, 7, stride=2, padding=ZERO), BatchNorm(4), MaxPool2d(3, 2, 1)),
        SignActivation(),
        *(BinaryConv2d(4, 6, (2, 3), padding=PLUS, pads=(0, 1, 1, 1), groups=2), *sign(6)),
        *(Flatten(), BinaryLinear(6 * 9, 5, shared=True)),
    ]


def dilated() -> list[nn.Module]:
    """Dilations, strides of their own, depthwise kernels, a padded mean, and ceil_mode."""
    return [
        *(QuantConv2d(2, 4, (3, 2), bits=2, stride=(1, 2), dilation=(2, 3), padding=ZERO),),
        *(shuffled(BatchNorm(4), 3), QuantActivation(2)),
        *(DepthwiseConv2d(4, (1, 5), padding=ZERO, integers=True),),
        *(AvgPool2d((3, 2), (2, 1), (1, 0, 1, 1)), *sign(4)),
        *(MaxPool2d((2, 3), (2, 2), ceil_mode=True), Flatten()),
        BinaryLinear(4 * 3 * 3, 5, shared=True),
    ]


def line() -> list[nn.Module]:
    """A 1-D network."""
    return [
        *(BinaryConv1d(2, 4, 7, stride=2, padding=ZERO), *sign(4), MaxPool1d(3, 1, 1)),
        *(QuantConv1d(4, 6, 4, bits=2, padding=PLUS, pads=(1, 2), groups=2), *sign(6)),
        *(DepthwiseConv1d(6, 3, dilation=2, padding=ZERO, integers=True), AvgPool1d(2)),
        *(*sign(6), Flatten(), BinaryLinear(6 * 3, 5, shared=True)),
    ]


CASES = {"stem": (stem, (12, 12)), "dilated": (dilated, (10, 11)), "line": (line, (1, 14))}


@pytest.mark.parametrize("name", CASES)
def test_an_export_computes_what_the_module_does(name: str) -> None:
    torch.manual_seed(2)
    make, (height, width) = CASES[name]
    module = nn.Sequential(*make())
    source = TensorType.codes(height, width, 2, 4, Encoding.UNSIGNED)
    network = export(module, source, name)
    codes = np.random.default_rng(1).integers(0, 16, (30, height, width, 2)).astype(np.uint8)
    assert_same(module, network, codes)


def test_groups_that_do_not_fit() -> None:
    text = "divide its 4 channels and 6 outputs, and 3 does not"
    with pytest.raises(NetworkError, match=text):
        BinaryConv2d(4, 6, groups=3)
