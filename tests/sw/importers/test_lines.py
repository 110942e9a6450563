"""1-D networks: graphs and torch modules with maps (channels, length), against their source."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from subbit.sw.bench.graph_maker import GraphMaker
from subbit.sw.importers.api import check_import
from subbit.sw.importers.torch.module import import_torch
from tests.sw.importers.operator_graphs import binary, signs
from tests.sw.importers.test_shapes import checked

CHANNELS, LENGTH = 3, 20
Draw = np.random.Generator
Build = Callable[[GraphMaker, Draw, str], str]


def conv(outputs: int, kernel: int, **attributes: object) -> Build:
    """A 1-D convolution of three channels, or of as many as there are groups of them."""

    def build(g: GraphMaker, draw: Draw, x: str) -> str:
        inputs = CHANNELS // int(str(attributes.get("group", 1)))
        return g.node("Conv", x, g.const(signs(draw, outputs, inputs, kernel)), **attributes)

    return build


def then(kind: str, **attributes: object) -> Build:
    """A convolution and a pooling."""

    def build(g: GraphMaker, draw: Draw, x: str) -> str:
        x = conv(4, 3)(g, draw, x)
        return g.node(kind, g.quant(x, 2.0, 3), **attributes)

    return build


GRAPHS: dict[str, tuple[Build, int]] = {
    "Conv": (conv(4, 3), 4 * 18),
    "Conv, padded": (conv(4, 7, pads=[3, 3], strides=[2]), 4 * 10),
    "Conv, SAME": (conv(4, 4, auto_pad="SAME_UPPER", kernel_shape=[4]), 4 * 20),
    "Conv, dilated": (conv(4, 3, dilations=[4], pads=[8, 0]), 4 * 20),
    "Conv, depthwise": (conv(3, 5, group=3), 3 * 16),
    "Conv of the whole": (conv(4, LENGTH), 4),
    "MaxPool": (then("MaxPool", kernel_shape=[3], strides=[2], pads=[1, 1]), 4 * 9),
    "MaxPool, ceil_mode": (then("MaxPool", kernel_shape=[4], strides=[4], ceil_mode=1), 4 * 5),
    "AveragePool": (then("AveragePool", kernel_shape=[2], strides=[2]), 4 * 9),
    "GlobalAveragePool": (then("GlobalAveragePool"), 4),
    "GlobalMaxPool": (then("GlobalMaxPool"), 4),
}


@pytest.mark.parametrize("last", [False, True], ids=["channels first", "channels last"])
@pytest.mark.parametrize("name", GRAPHS)
def test_a_graph_agrees(name: str, last: bool, tmp_path: Path) -> None:
    shape = (LENGTH, CHANNELS) if last else (CHANNELS, LENGTH)
    g, draw = GraphMaker(1, *shape), np.random.default_rng(3)
    x = g.node("Transpose", "x", perm=[0, 2, 1]) if last else "x"
    make, count = GRAPHS[name]
    x = make(g, draw, g.quant(x, 4.0, 3, signed=0))
    x = g.node("Flatten", g.quant(x, 1.0, 4))
    x = g.node("MatMul", x, g.const(signs(draw, count, 5)))
    report = checked(g.save(x, tmp_path / "net.onnx"), 25)
    assert report["agreement"]["first_difference"] is None
    assert report["agreement"]["classes_apart"] == 0


class Signal(nn.Module):
    """A convolution, BatchNorm, codes, something in between, and a linear layer."""

    def __init__(self, middle: nn.Module) -> None:
        super().__init__()
        self.conv = binary(nn.Conv1d(CHANNELS, 4, 5, stride=2, padding=2, bias=False))
        self.norm, self.middle = nn.BatchNorm1d(4), middle
        self.norm.running_mean = torch.tensor([3.0, -2.0, 0.0, 1.0])
        self.norm.running_var = torch.full((4,), 90.0)
        self.last = binary(nn.Linear(middle(torch.zeros(1, 4, LENGTH // 2)).numel(), 5))
        self.last.bias.data = torch.round(4 * self.last.bias.data) / 4

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.conv(torch.round(torch.clamp(x / 32, 0.0, 7.0))))
        x = torch.round(torch.clamp(2 * x, 0.0, 3.0))
        return self.last(torch.flatten(self.middle(x), 1))


MODULES: dict[str, nn.Module] = {
    "MaxPool1d": nn.MaxPool1d(2),
    "MaxPool1d padded": nn.MaxPool1d(3, 2, 1, ceil_mode=True),
    "AvgPool1d": nn.AvgPool1d(2, 1),
    "AdaptiveAvgPool1d": nn.AdaptiveAvgPool1d(5),
    "AdaptiveAvgPool1d(1)": nn.AdaptiveAvgPool1d(1),
    "AdaptiveMaxPool1d": nn.AdaptiveMaxPool1d(1),
    "Dropout1d": nn.Dropout1d(),
    "Conv1d": binary(nn.Conv1d(4, 6, 4, padding="same", dilation=2, groups=2, bias=False)),
    "ConvTranspose1d": binary(nn.ConvTranspose1d(4, 3, 3, 2, 1, output_padding=1, bias=False)),
}


@pytest.mark.parametrize("name", MODULES)
def test_a_module_agrees(name: str) -> None:
    torch.manual_seed(4)
    found = import_torch(Signal(MODULES[name]), torch.zeros(1, CHANNELS, LENGTH), span=(0.0, 255.0))
    assert found.network.input_type.shape == (1, LENGTH, CHANNELS)
    agreement = check_import(found)["agreement"]
    assert agreement["first_difference"] is None
    assert agreement["classes_apart"] == 0
