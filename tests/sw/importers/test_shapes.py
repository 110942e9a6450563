"""Windows, paddings, groups, averages and layouts: graphs and modules against their source."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from subbit.sw.errors import NetworkError
from subbit.sw.importers.api import check_import, import_file
from subbit.sw.importers.torch.module import import_torch
from tests.sw.importers.onnx_graphs import GraphMaker, checked
from tests.sw.importers.operator_graphs import binary, signs
from tests.sw.samples import message

Draw = np.random.Generator
Build = Callable[[GraphMaker, Draw], str]
SIDE, CHANNELS = 9, 4
PADS = [1, 1, 1, 1]


def codes(g: GraphMaker, x: str, zero: float = 0.0) -> str:
    """Three bits, unsigned, or with a zero point in their midst."""
    return g.quant(x, 0.25 if zero else 0.125, 3, signed=0, zero=zero)


def head(g: GraphMaker, x: str, draw: Draw, count: int) -> str:
    """A quantiser and a last layer of ``count`` inputs."""
    x = g.node("Flatten", g.quant(x, 2.0, 4))
    return g.node("MatMul", x, g.const(signs(draw, count, 5)))


def conv(
    *kernel: int,
    outputs: int = 4,
    pad: list[int] | None = None,
    zero: float = 0.0,
    bits: int = 1,
    **attributes: Any,
) -> Build:
    """A convolution of that kernel of a map with four channels, behind a Pad if ``pad``."""

    def build(g: GraphMaker, draw: Draw) -> str:
        x = codes(g, "x", zero)
        if pad:
            x = g.node("Pad", x, g.const([0, 0, *pad[:2], 0, 0, *pad[2:]], np.int64))
        groups, top = attributes.get("group", 1), 1 << bits - 1
        shape = (outputs, CHANNELS // groups, *kernel)
        numbers = signs(draw, *shape) if bits == 1 else draw.integers(-top, top, shape)
        x = g.node("Conv", x, g.const(numbers), **attributes)
        average = g.quant(g.node("GlobalAveragePool", x), 0.25, 6)
        return g.node("MatMul", g.node("Flatten", average), g.const(signs(draw, outputs, 5)))

    return build


def ending(pool: Callable[[GraphMaker, str], str], count: int = CHANNELS, zero: float = 0) -> Build:
    """What pools codes, straight into a last layer with a bias."""

    def build(g: GraphMaker, draw: Draw) -> str:
        x = pool(g, codes(g, "x", zero))
        bias = g.const(draw.integers(-9, 9, 5) / 8)
        return g.node("Gemm", x, g.const(signs(draw, 5, count)), bias, transB=1)

    return build


def mean(*axes: int, keepdims: int = 1, opset: int = 13) -> Callable[[GraphMaker, str], str]:
    """ReduceMean over the axes, flattened."""
    return lambda g, x: g.node(
        "Flatten", g.node("ReduceMean", x, axes=list(axes), keepdims=keepdims)
    )


def pooled(kind: str, **attributes: Any) -> Callable[[GraphMaker, str], str]:
    """A pooling, flattened."""
    return lambda g, x: g.node("Flatten", g.node(kind, x, **attributes))


def turned(g: GraphMaker, x: str) -> str:
    """The mean of a map that is transposed to channels last."""
    x = g.node("Transpose", x, perm=[0, 2, 3, 1])
    return g.node("Flatten", g.node("ReduceMean", x, axes=[1, 2], keepdims=0))


def in_rows(g: GraphMaker, x: str) -> str:
    """The mean of a map of which height and width are one side."""
    x = g.node("Reshape", x, g.const([1, CHANNELS, -1], np.int64))
    return g.node("ReduceMean", x, axes=[-1], keepdims=0)


def normed(g: GraphMaker, x: str) -> str:
    """A mean with a factor and an offset behind it."""
    x = g.node("Flatten", g.node("GlobalAveragePool", x))
    return g.node("Add", g.node("Mul", x, g.const(0.5)), g.const(np.arange(CHANNELS)))


def by_conv(g: GraphMaker, draw: Draw) -> str:
    """A 1x1 convolution of the mean as the classifier."""
    x = g.node("GlobalAveragePool", codes(g, "x"))
    return g.node("Flatten", g.node("Conv", x, g.const(signs(draw, 5, CHANNELS, 1, 1))))


def then_conv(g: GraphMaker, draw: Draw) -> str:
    """A padded convolution of sums whose 0 is no integer 0: bipolar codes behind a pooling."""
    x = g.node("AveragePool", g.bipolar(g.node("Sub", "x", g.const(0.5))), kernel_shape=[2, 2])
    weights = g.const(signs(draw, 3, CHANNELS, 3, 3))
    return head(g, g.node("Conv", x, weights, pads=[1, 1, 1, 1]), draw, 3 * 64)


def offset_sums(g: GraphMaker, draw: Draw) -> str:
    """The same of codes with a zero point, of which no sum of codes is 0 where the mean is."""
    x = g.node("AveragePool", codes(g, "x", 3.0), kernel_shape=[3, 3], strides=[3, 3])
    x = g.node("Conv", x, g.const(signs(draw, 3, CHANNELS, 3, 3)), pads=[0, 0, 1, 1])
    return head(g, x, draw, 3 * 4)


def whole(g: GraphMaker, draw: Draw) -> str:
    """A kernel as large as the map."""
    x = g.node("Conv", codes(g, "x"), g.const(signs(draw, 5, CHANNELS, SIDE, SIDE)))
    return g.node("Flatten", x)


def last_padded(g: GraphMaker, draw: Draw) -> str:
    """A map with its channels last, padded before it is turned back."""
    x = g.node("Transpose", codes(g, "x"), perm=[0, 2, 3, 1])
    x = g.node("Pad", x, g.const([0, 0, 1, 0, 0, 1, 1, 0], np.int64))
    x = g.node("Transpose", x, perm=[0, 3, 1, 2])
    x = g.node("Conv", x, g.const(signs(draw, 3, CHANNELS, 3, 3)))
    return g.node("Flatten", g.node("GlobalAveragePool", x))


def quantised_behind(g: GraphMaker, draw: Draw) -> str:
    """Pixels, and then sums, that are quantised behind a Pad."""
    for channels in (CHANNELS, 3):
        x = g.node("Pad", g.nodes[-1].output[0] if g.nodes else "x", around(g, 1, 0, 0, 1))
        x = codes(g, x) if channels == CHANNELS else g.quant(x, 2.0, 4)
        x = g.node("Conv", x, g.const(signs(draw, 3, channels, 3, 3)))
    return g.node("Flatten", g.node("GlobalAveragePool", x))


def around(g: GraphMaker, *pads: int) -> str:
    """Pads above, left, below and right."""
    return g.const([0, 0, *pads[:2], 0, 0, *pads[2:]], np.int64)


def twice_padded(g: GraphMaker, draw: Draw) -> str:
    """Two Pads, one behind the other."""
    x = g.node("Pad", g.node("Pad", codes(g, "x"), around(g, 1, 0, 0, 1)), around(g, 1, 1, 0, 0))
    x = g.node("Conv", x, g.const(signs(draw, 3, CHANNELS, 5, 5)))
    return g.node("Flatten", g.node("GlobalAveragePool", x))


def below_zero(g: GraphMaker, draw: Draw) -> str:
    """Zeros around codes of which even the greatest that occurs stands for less than 0."""
    x = g.node("Conv", codes(g, "x"), g.const(signs(draw, 4, CHANNELS, 1, 1)))
    x = g.node("Div", g.node("Sub", x, g.const(6.0)), g.const(2.0))
    x = g.node("Clip", g.node("Round", x), g.const(-5.0), g.const(2.0))
    x = g.node("Conv", x, g.const(signs(draw, 3, 4, 3, 3)), pads=[1, 0, 0, 1])
    return g.node("Flatten", g.node("GlobalAveragePool", x))


GRAPHS: dict[str, Build] = {
    "codes below 0": below_zero,
    "quantised behind a Pad": quantised_behind,
    "two Pads": twice_padded,
    "Pad of channels last": last_padded,
    **{
        f"{auto} stride {stride} kernel {kernel}": conv(
            kernel, kernel, auto_pad=auto, strides=[stride] * 2
        )
        for auto in ("SAME_UPPER", "SAME_LOWER", "VALID")
        for stride in (1, 2)
        for kernel in (1, 2, 3, 5)
    },
    "uneven pads": conv(3, 3, pads=[0, 1, 1, 0]),
    "uneven pads of a zero point": conv(3, 3, pads=[0, 1, 1, 0], strides=[2, 2], zero=2.0),
    "one of two": conv(5, 5, pads=[1, 1, 1, 1]),
    "Pad": conv(3, 3, pad=[1, 1, 1, 1]),
    "Pad and pads": conv(5, 5, pad=[0, 1, 1, 0], pads=[1, 1, 1, 1], strides=[2, 2]),
    "Pad behind a zero point": conv(3, 3, pad=[0, 0, 1, 1], zero=2.0),
    "Pad and SAME": conv(3, 3, pad=[1, 0, 0, 0], auto_pad="SAME_LOWER", strides=[2, 2]),
    "two groups": conv(3, 3, group=2, pads=[1, 1, 1, 1]),
    "two groups, more outputs": conv(3, 3, group=2, outputs=6, strides=[2, 2]),
    "two groups, three bits": conv(1, 1, group=2, bits=3),
    "two outputs a channel": conv(3, 3, group=4, outputs=8, zero=2.0, pads=[1, 1, 0, 0]),
    "depthwise": conv(3, 3, group=4, pads=[0, 0, 1, 1], strides=[2, 2]),
    "depthwise 1x1": conv(1, 1, group=4, bits=3),
    "depthwise 2x2": conv(2, 2, group=4),
    "oblong": conv(1, 3, pads=[0, 1, 0, 1]),
    "upright": conv(5, 1, pads=[2, 0, 1, 0]),
    "dilated": conv(3, 3, dilations=[2, 2], pads=[2, 2, 2, 2]),
    "dilated in one direction": conv(3, 2, dilations=[1, 3], zero=2.0),
    "four by four": conv(4, 4, strides=[2, 2], pads=[1, 1, 1, 1]),
    "seven by seven": conv(7, 7, strides=[2, 2], pads=[3, 3, 3, 3]),
    "seven by seven of three bits": conv(7, 7, bits=3, zero=2.0, pads=[6, 0, 1, 5]),
    "long": conv(1, 9, pads=[0, 4, 0, 4], strides=[3, 4]),
    "strides of their own": conv(2, 5, strides=[4, 1], group=2, outputs=2),
    "dilated groups": conv(3, 2, group=4, outputs=8, dilations=[4, 3], pads=[4, 1, 4, 2]),
    "depthwise seven by two": conv(7, 2, group=4, pads=[3, 1, 3, 0], dilations=[1, 4]),
    "whole map": whole,
    "MaxPool 3x3/2": ending(
        pooled("MaxPool", kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4), 100
    ),
    "MaxPool 2x3": ending(pooled("MaxPool", kernel_shape=[2, 3], pads=[1, 0, 0, 2]), 324),
    "MaxPool, ceil_mode": ending(
        pooled("MaxPool", kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1), 100
    ),
    "MaxPool, ceil_mode and pads": ending(
        pooled("MaxPool", kernel_shape=[3, 2], strides=[3, 2], pads=[1, 1, 1, 0], ceil_mode=1), 80
    ),
    "MaxPool, SAME": ending(
        pooled("MaxPool", kernel_shape=[3, 3], strides=[2, 2], auto_pad="SAME_UPPER"), 100
    ),
    "GlobalMaxPool": ending(pooled("GlobalMaxPool")),
    "AveragePool 3x2": ending(pooled("AveragePool", kernel_shape=[3, 2]), 224),
    "AveragePool 1x3, zeros counted": ending(
        pooled(
            *("AveragePool",),
            kernel_shape=[1, 3],
            strides=[2, 1],
            pads=[0, 2, 0, 1],
            count_include_pad=1,
        ),
        200,
    ),
    "GlobalAveragePool": ending(pooled("GlobalAveragePool")),
    "GlobalAveragePool of a zero point": ending(pooled("GlobalAveragePool"), zero=2.0),
    "AveragePool of the map": ending(pooled("AveragePool", kernel_shape=[SIDE, SIDE])),
    "AveragePool": ending(pooled("AveragePool", kernel_shape=[3, 3], strides=[3, 3]), 36),
    "AveragePool, zeros counted": ending(
        pooled(
            "AveragePool", kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4, count_include_pad=1
        ),
        100,
    ),
    "mean 2 3": ending(mean(2, 3)),
    "mean -1 -2": ending(mean(-1, -2, keepdims=0)),
    "mean 3 -2": ending(mean(3, -2)),
    "mean of channels last": ending(turned),
    "mean of rows": ending(in_rows),
    "mean with factors": ending(normed),
    "classifier by convolution": by_conv,
    "convolution of sums": then_conv,
    "convolution of sums with an offset": offset_sums,
}


@pytest.mark.parametrize("name", GRAPHS)
def test_a_graph_agrees(name: str, tmp_path: Path) -> None:
    g = GraphMaker(1, CHANNELS, SIDE, SIDE)
    path = g.save(GRAPHS[name](g, np.random.default_rng(5)), tmp_path / "net.onnx")
    agreement = checked(path, 25)["agreement"]
    assert agreement["first_difference"] is None
    assert (agreement["classes_apart"], agreement["elements"] > 0) == (0, True)


class Ends(nn.Module):
    """Codes, something that averages, and a linear layer."""

    def __init__(self, middle: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.middle = middle
        count = middle(torch.zeros(1, CHANNELS, 8, 8)).numel()
        self.last = binary(nn.Linear(count, 5))
        self.last.bias.data = torch.round(4 * self.last.bias.data) / 4

    def forward(self, x: Tensor) -> Tensor:
        x = torch.round(torch.clamp(x / 32, 0.0, 7.0))
        return self.last(torch.flatten(self.middle(x), 1))


MODULES: dict[str, Callable[[Tensor], Tensor]] = {
    "AdaptiveAvgPool2d(1)": nn.AdaptiveAvgPool2d(1),
    "AdaptiveAvgPool2d((1, 1))": nn.AdaptiveAvgPool2d((1, 1)),
    "AdaptiveAvgPool2d(2)": nn.AdaptiveAvgPool2d(2),
    "AdaptiveAvgPool2d((4, 4))": nn.AdaptiveAvgPool2d((4, 4)),
    "AvgPool2d(8)": nn.AvgPool2d(8),
    "AvgPool2d padded": nn.AvgPool2d(3, 2, 1),
    "AvgPool2d oblong": nn.AvgPool2d((2, 4), (3, 1)),
    "MaxPool2d padded": nn.MaxPool2d(3, 2, 1),
    "MaxPool2d, ceil_mode": nn.MaxPool2d((3, 2), (2, 3), (1, 0), ceil_mode=True),
    "AdaptiveMaxPool2d(1)": nn.AdaptiveMaxPool2d(1),
    "adaptive_max_pool2d": lambda x: functional.adaptive_max_pool2d(x, (1, 1)),
    "a stem": nn.Sequential(
        binary(nn.Conv2d(CHANNELS, 6, 7, 2, 3, bias=False)), nn.MaxPool2d(3, 2, 1)
    ),
    "mean of two": lambda x: x.mean((2, 3)),
    "mean of a list": lambda x: x.mean([-1, -2], True),
    "mean of rows": lambda x: x.flatten(2).mean(2),
    "mean of channels last": lambda x: torch.mean(x.permute(0, 2, 3, 1), dim=(1, 2)),
    "padded by name": binary(nn.Conv2d(CHANNELS, 3, 3, padding="same", bias=False)),
    "valid": binary(nn.Conv2d(CHANNELS, 3, 3, padding="valid", bias=False)),
    "even and same": binary(nn.Conv2d(CHANNELS, 3, 2, padding="same", bias=False)),
    "dilated and same": binary(nn.Conv2d(CHANNELS, 3, 3, dilation=2, padding="same", bias=False)),
    "groups": binary(nn.Conv2d(CHANNELS, 6, 3, padding=1, groups=2, bias=False)),
    "zeros around": nn.Sequential(
        nn.ZeroPad2d((0, 1, 0, 1)), binary(nn.Conv2d(CHANNELS, 3, 3, 2, bias=False))
    ),
    "pad": lambda x: functional.avg_pool2d(functional.pad(x, (1, 0, 0, 1)), 3, 2),
}


@pytest.mark.parametrize("name", MODULES)
def test_a_module_agrees(name: str) -> None:
    torch.manual_seed(4)
    module = Ends(MODULES[name])
    image = torch.zeros(1, CHANNELS, 8, 8)
    agreement = check_import(import_torch(module, image, span=(0.0, 255.0)))["agreement"]
    assert agreement["first_difference"] is None
    assert (agreement["classes_apart"], agreement["elements"] > 0) == (0, True)


def padded(mode: str = "constant", value: float = 0.0, pads: tuple[int, ...] = (1, 1)) -> Build:
    """A convolution behind a Pad."""

    def build(g: GraphMaker, draw: Draw) -> str:
        around = g.const([0, 0, *pads, 0, 0, *pads], np.int64)
        x = g.node("Pad", codes(g, "x"), around, g.const(value), mode=mode)
        return g.node("Conv", x, g.const(signs(draw, 4, CHANNELS, 3, 3)))

    return build


def then(kind: str, *more: Any, **attributes: Any) -> Build:
    """An operator right behind a Pad."""

    def build(g: GraphMaker, draw: Draw) -> str:
        x = g.node("Pad", codes(g, "x"), g.const([0, 0, 1, 1, 0, 0, 1, 1], np.int64))
        return g.node(kind, x, *(g.const(array) for array in more), **attributes)

    return build


def pooling(kind: str, **attributes: Any) -> Build:
    """A pooling of codes."""
    return lambda g, draw: g.node(kind, codes(g, "x"), **attributes)


REFUSED: dict[str, tuple[Build, str]] = {
    "reflection": (padded("reflect"), "node 'Pad_1' (Pad): its mode is 'reflect'; pad with zeros"),
    "another number": (padded(value=0.3), "node 'Pad_1' (Pad): it pads with 0.3, which no integer"),
    "no number": (padded(value=np.inf), "node 'Pad_1' (Pad): it pads with inf; pad with a number"),
    "cut": (padded(pads=(-1, 0)), "(Pad): pads [0, 0, -1, 0, 0, 0, -1, 0] cut the tensor"),
    "too much": (padded(pads=(3, 3)), "a convolution of kernel 3x3, strides [1, 1], pads [3, 3, 3"),
    "pad before signs": (
        lambda g, draw: g.bipolar(g.node("Pad", codes(g, "x"), around(g, 1, 1, 1, 1))),
        "it makes another number of the zeros of a Pad; pad behind it",
    ),
    "pad before a step": (then("Relu"), "it follows a Pad, which only a convolution"),
    "pad before a product": (then("Flatten"), "it follows a Pad, which only a convolution"),
    "pad before a transpose": (then("Transpose", perm=[0, 3, 2, 1]), "it follows a Pad"),
    "pad at the end of channels last": (then("Transpose", perm=[0, 2, 3, 1]), "it follows a Pad"),
    "pad of channels": (
        lambda g, draw: g.node("Pad", codes(g, "x"), g.const([0, 1, 0, 0, 0, 0, 0, 0], np.int64)),
        "it pads a tensor of shape (1, 4, 9, 9) by [0, 1, 0, 0, 0, 0, 0, 0]",
    ),
    "pad before a mean": (then("GlobalAveragePool"), "it follows a Pad"),
    "pad before max pooling": (
        then("MaxPool", kernel_shape=[2, 2], strides=[2, 2]),
        "max pooling of a map with zeros around it, [1, 1, 1, 1]; pad by its own pads",
    ),
    "pad at the end": (lambda g, draw: then("Identity")(g, draw), "it follows a Pad"),
    "ceil_mode of a mean": (
        pooling("AveragePool", kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1),
        "average pooling of kernel 2x2, strides [2, 2], pads [0, 0, 0, 0], ceil_mode 1",
    ),
    "zeros that do not count": (
        pooling("AveragePool", kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        "which counts less where it pads",
    ),
    "a mean of large windows that overlap": (
        pooling("AveragePool", kernel_shape=[9, 3]),
        "overlap have up to 8 rows and columns, not 9 by steps of 1",
    ),
    "a mean of channels": (
        lambda g, draw: g.node("ReduceMean", codes(g, "x"), axes=[1]),
        "a mean over the axes [1] of a tensor of shape (1, 4, 9, 9)",
    ),
    "an unknown padding": (conv(3, 3, auto_pad="SAME"), "auto_pad 'SAME' is unknown"),
    "other strides": (conv(3, 3, strides=[5, 5]), "strides [5, 5]"),
    "groups that do not fit": (conv(3, 3, group=3), "3 groups with weights"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name: str, tmp_path: Path) -> None:
    build, text = REFUSED[name]
    g = GraphMaker(1, CHANNELS, SIDE, SIDE)
    path = g.save(build(g, np.random.default_rng(5)), tmp_path / "net.onnx")
    assert text in message(lambda: import_file(path), NetworkError)
