"""Small graphs and modules for single operators, between a first layer and a last one."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from onnx import helper
from torch import Tensor, nn
from torch.nn import functional

from tests.sw.importers.onnx_graphs import GraphMaker

Draw = np.random.Generator
Build = Callable[[GraphMaker, Draw], str]
SIDE, CHANNELS = 8, 6


def signs(draw: Draw, *shape: int) -> np.ndarray:
    """Random -1 and +1."""
    return draw.choice([-1.0, 1.0], shape)


def sums(g: GraphMaker, draw: Draw) -> str:
    """Integers of a first layer, times 1/8."""
    x = g.node("Flatten", g.bipolar(g.node("Sub", "x", g.const(0.5))), axis=1)
    x = g.node("MatMul", x, g.const(signs(draw, SIDE * SIDE, CHANNELS)))
    return g.node("Mul", x, g.const(0.125))


def logits(g: GraphMaker, x: str, draw: Draw) -> str:
    """A quantiser of three bits and a last layer."""
    return g.node("MatMul", g.quant(x, 0.25, 3), g.const(signs(draw, CHANNELS, 5)))


def each(kind: str, **attributes: Any) -> Build:
    """An operator on each element of sums."""
    return lambda g, draw: logits(g, g.node(kind, sums(g, draw), **attributes), draw)


def ending(kind: str, *outputs: str, **attributes: Any) -> Build:
    """An operator that picks the class of logits."""

    def build(g: GraphMaker, draw: Draw) -> str:
        more = [g.const([1], np.int64)] if kind == "TopK" else []
        x = g.node(kind, logits(g, sums(g, draw), draw), *more, **attributes)
        g.nodes[-1].output.extend(outputs)
        return outputs[-1] if outputs else x

    return build


def int_quant(g: GraphMaker, draw: Draw) -> str:
    """IntQuant, another name of Quant."""
    parameters = [g.const(v) for v in (0.25, 0.0, 3.0)]
    x = g.node("IntQuant", sums(g, draw), *parameters, signed=1, narrow=0, rounding_mode="ROUND")
    return g.node("MatMul", x, g.const(signs(draw, CHANNELS, 5)))


def sides(g: GraphMaker, draw: Draw) -> str:
    """Sides of 1 added and taken away."""
    x = g.node("Unsqueeze", sums(g, draw), g.const([2, 3], np.int64))
    return logits(g, g.node("Squeeze", x, g.const([2, 3], np.int64)), draw)


def surrounded(g: GraphMaker, draw: Draw) -> str:
    """Zeros around a map, less on one side than on the other."""
    x = g.node("Pad", g.quant("x", 1 / 3, 2, signed=0), g.const([0, 0, 0, 1, 0, 0, 1, 1], np.int64))
    x = g.node("Conv", x, g.const(signs(draw, CHANNELS, 1, 3, 3)), strides=[2, 2])
    x = g.node("Flatten", g.quant(x, 0.5, 3))
    return g.node("MatMul", x, g.const(signs(draw, CHANNELS * 16, 5)))


def greatest(g: GraphMaker, draw: Draw) -> str:
    """The greatest of a map."""
    x = g.node("Conv", g.quant("x", 1 / 3, 2, signed=0), g.const(signs(draw, CHANNELS, 1, 3, 3)))
    return logits(g, g.node("Flatten", g.node("GlobalMaxPool", x)), draw)


def computed_weights(g: GraphMaker, draw: Draw) -> str:
    """Weights that the graph computes from constants: small integers in the end."""
    squares = g.const(draw.choice([1.0, 4.0, 9.0], (CHANNELS + 2, 5)))
    w = g.node("Slice", g.node("Sqrt", squares), g.const([2], np.int64), g.const([8], np.int64))
    w = g.node("Abs", g.node("Sub", w, g.const(4.0)))
    w = g.node("Floor", g.node("Add", w, g.const(0.75)))
    w = g.node("Ceil", g.node("Div", w, g.const(1.25)))
    w = g.node("Mul", w, g.node("Reciprocal", g.const(0.5)))
    filled = g.node("ConstantOfShape", g.const([CHANNELS, 5], np.int64))
    w = g.node("Pow", g.node("Add", w, filled), g.node("Constant", value_float=2.0))
    return g.node("MatMul", g.quant(sums(g, draw), 0.25, 3), w)


def quantised_map(g: GraphMaker, draw: Draw, scale: float = 0.5) -> str:
    """A map of six channels, 4 by 4, as codes."""
    x = g.node("Conv", g.quant("x", 1 / 3, 2, signed=0), g.const(signs(draw, CHANNELS, 1, 2, 2)))
    x = g.node("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
    return g.quant(x, scale, 3)


def last_of(g: GraphMaker, x: str, channels: int, side: int, draw: Draw) -> str:
    """A last layer on a map of codes."""
    x = g.node("Flatten", x)
    return g.node("MatMul", x, g.const(signs(draw, channels * side * side, 5)))


def beside(*scales: float, rest: str = "conv") -> Build:
    """A concatenation of maps of those scales, and a convolution or linear layer behind it."""

    def build(g: GraphMaker, draw: Draw) -> str:
        first = quantised_map(g, draw, scales[0])
        parts = [first]
        for scale in scales[1:]:
            x = g.node("Conv", first, g.const(signs(draw, 2, CHANNELS, 1, 1)))
            parts.append(g.quant(x, scale, 2))
        count = CHANNELS + 2 * len(scales[1:])
        x = g.node("Concat", *parts, axis=1)
        if rest == "linear":
            return last_of(g, x, count, 3, draw)
        if rest == "relu":
            return last_of(g, g.quant(g.node("Relu", x), 0.5, 3), count, 3, draw)
        x = g.node("Conv", x, g.const(signs(draw, 4, count, 3, 3)), pads=[1] * 4)
        return last_of(g, g.quant(x, 2.0, 3), 4, 3, draw)

    return build


def parts(g: GraphMaker, draw: Draw) -> str:
    """Channels split, sliced, gathered, shuffled and put together again."""
    x = quantised_map(g, draw)
    g.nodes.append(helper.make_node("Split", [x], ["one", "two"], name="parts", axis=1))
    y = g.node("Gather", "two", g.const([2, 0, 2], np.int64), axis=1)
    z = g.node("Slice", "one", *(g.const([n], np.int64) for n in (1, 3, 1)))
    x = g.node("Concat", y, z, "one", axis=1)
    x = g.node("Reshape", x, g.const([1, 2, 4, 3, 3], np.int64))
    x = g.node("Transpose", x, perm=[0, 2, 1, 3, 4])
    x = g.node("Reshape", x, g.const([1, 8, 3, 3], np.int64))
    x = g.node("Conv", x, g.const(signs(draw, 4, 8, 3, 3)), pads=[1] * 4)
    return last_of(g, g.quant(x, 2.0, 3), 4, 3, draw)


def resized(kind: str, **attributes: Any) -> Build:
    """A map twice as high and four times as wide."""

    def build(g: GraphMaker, draw: Draw) -> str:
        if kind == "Upsample":
            g.opset = 9
        x = quantised_map(g, draw)
        scales = g.const([1.0, 1.0, 2.0, 4.0])
        given = [scales] if kind == "Upsample" else ["", scales]
        x = g.node(kind, x, *given, **attributes)
        x = g.node("Conv", x, g.const(signs(draw, 3, CHANNELS, 3, 3)), strides=[2, 2])
        x = g.node("Flatten", g.quant(x, 2.0, 3))
        return g.node("MatMul", x, g.const(signs(draw, 3 * 2 * 5, 5)))

    return build


def bordered(value: float) -> Build:
    """A border that no convolution takes in, around one of two paths."""

    def build(g: GraphMaker, draw: Draw) -> str:
        x = quantised_map(g, draw)
        y = g.node("Conv", x, g.const(signs(draw, CHANNELS, CHANNELS, 2, 2)))
        around = g.const([0, 0, 0, 1, 0, 0, 1, 0], np.int64)
        y = g.node("Pad", g.quant(y, 2.0, 3), around, g.const(value))
        x = g.quant(g.node("Add", x, y), 1.0, 3)
        return last_of(g, x, CHANNELS, 3, draw)

    return build


def vectors(g: GraphMaker, draw: Draw) -> str:
    """A flattened map beside a vector, and parts of both."""
    x = g.node("Flatten", quantised_map(g, draw))
    y = g.quant(g.node("MatMul", x, g.const(signs(draw, 54, 4))), 4.0, 2)
    x = g.node("Slice", x, *(g.const([n], np.int64) for n in (5, 45, 1)))
    x = g.node("Concat", x, y, axis=-1)
    return g.node("MatMul", x, g.const(signs(draw, 44, 5)))


GRAPHS: dict[str, Build] = {
    "Concat": beside(0.5, 0.5),
    "concat of two scales": beside(0.5, 3.0),
    "concat of three scales": beside(0.5, 3.0, 2.0, rest="linear"),
    "concat behind a function": beside(0.5, 3.0, rest="relu"),
    "Split": parts,
    "Resize": resized("Resize", coordinate_transformation_mode="asymmetric", nearest_mode="floor"),
    "resize by centres": resized("Resize", mode="nearest"),
    "Upsample": resized("Upsample", mode="nearest"),
    "pad of its own": bordered(0.0),
    "pad with a number": bordered(-2.0),
    "vectors beside each other": vectors,
    **{k: each(k) for k in ("Sigmoid", "HardSigmoid", "Softplus", "Softsign", "Neg", "Selu")},
    "Elu": each("Elu", alpha=0.5),
    "Dropout": each("Dropout"),
    "Cast": each("Cast", to=1),
    "IntQuant": int_quant,
    "GlobalMaxPool": greatest,
    "Pad": surrounded,
    "sides": sides,
    "computed weights": computed_weights,
    "LogSoftmax": ending("LogSoftmax", axis=1),
    "ArgMax": ending("ArgMax", axis=1),
    "ArgMin": ending("ArgMin", axis=-1, keepdims=0),
    "TopK": ending("TopK", "places"),
}


def binary(part: nn.Module) -> nn.Module:
    """A torch layer with weights -1 and +1."""
    part.weight.data = torch.where(part.weight.data >= 0, 1.0, -1.0)
    return part


class Surrounded(nn.Module):
    """A convolution of a map that zeros surround, less on one side than on the other."""

    def __init__(self, pad: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.pad = pad
        self.conv = binary(nn.Conv2d(CHANNELS, CHANNELS, 3, 2, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(self.pad(codes(torch.round)(x)))


class Between(nn.Module):
    """``middle`` between a convolution of six channels and a quantiser with a last layer."""

    def __init__(self, middle: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.middle = middle
        self.first = binary(nn.Conv2d(2, CHANNELS, 3, bias=False))
        count = middle(torch.zeros(1, CHANNELS, 6, 6)).numel()
        self.last = binary(nn.Linear(count, 5, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        x = self.middle(self.first(x) / 512)
        x = torch.round(torch.clamp(4 * x, -4.0, 3.0)) / 4
        return self.last(torch.flatten(x, 1))


class Matrix(nn.Module):
    """Products with constant matrices, as a function, a method and an operator."""

    def __init__(self) -> None:
        super().__init__()
        shapes = {"first": (128, CHANNELS), "second": (CHANNELS, CHANNELS), "last": (CHANNELS, 5)}
        for name, shape in shapes.items():
            self.register_buffer(name, torch.where(torch.randn(shape) >= 0, 1.0, -1.0))

    def forward(self, x: Tensor) -> Tensor:
        x = torch.matmul(x.flatten(1), self.first)
        x = torch.round((x / 2048).clamp(-4.0, 3.0)).matmul(self.second)
        return torch.round((x / 8).clamp(-4.0, 3.0)) @ self.last


def twice(x: Tensor) -> Tensor:
    """A tensor added to itself by function and by method, behind a quantiser."""
    x = torch.floor(x.clamp(-4.0, 3.0))
    return torch.add(x, x).add(x)


def codes(step: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """A function whose results are integers, of a few of them."""
    return lambda x: step(torch.clamp(2 * x, -3.0, 3.0))


class Steps(nn.Module):
    """Integers from -3 to 3."""

    def forward(self, x: Tensor) -> Tensor:
        return codes(torch.round)(x)


class Fewer(nn.Module):
    """Four of the channels."""

    def forward(self, x: Tensor) -> Tensor:
        return x[:, :4]


def moved(x: Tensor) -> Tensor:
    """Sides moved, added and taken away, in the end as they were."""
    x = torch.permute(x, (0, 2, 3, 1)).permute(0, 3, 1, 2)
    x = torch.transpose(x, 1, 2).transpose(1, 2).contiguous().float()
    x = torch.squeeze(torch.unsqueeze(x, 1), 1).unsqueeze(2).squeeze(2)
    return torch.reshape(x, (x.size(0), -1)).reshape(x.size(0), 6, 6, 6).view(x.shape)


PASSED: dict[str, Callable[[Tensor], Tensor]] = {
    **{
        f"functional.{name}": getattr(functional, name)
        for name in (
            *("relu", "relu6", "hardtanh", "leaky_relu", "hardsigmoid", "softsign", "elu", "selu"),
            *("softplus", "logsigmoid"),
        )
    },
    **{f"torch.{name}": getattr(torch, name) for name in ("relu", "tanh", "sigmoid", "neg")},
    **{
        f"nn.{module.__name__}": module()
        for module in (
            *(nn.ReLU, nn.ReLU6, nn.Hardtanh, nn.Tanh, nn.Sigmoid, nn.Hardsigmoid, nn.LeakyReLU),
            *(nn.ELU, nn.SELU, nn.Softplus, nn.Softsign, nn.LogSigmoid, nn.Identity, nn.Dropout2d),
        )
    },
    **{
        name: codes(getattr(torch, name.removeprefix("torch.")))
        for name in ("torch.sign", "torch.round", "torch.floor", "torch.ceil")
    },
    ".relu": lambda x: x.relu().tanh().sigmoid(),
    ".clamp": lambda x: torch.clip(x, -1.0, 1.0).clamp(-0.75, 0.75),
    ".sign": codes(lambda x: x.sign()),
    ".round": codes(lambda x: x.round()),
    ".floor": codes(lambda x: x.floor()),
    ".ceil": codes(lambda x: x.ceil()),
    ".neg": lambda x: -x.neg(),
    "arithmetic": lambda x: torch.div(torch.sub(torch.mul(x, 2.0), 0.5), 4.0),
    "methods": lambda x: x.mul(2.0).sub(0.5).div(4.0).add(0.25) - 0.125,
    "symbols": lambda x: -((x + 0.5) * 2.0 - 0.25) / 3.0,
    "twice": twice,
    "moved": moved,
    "prelu": lambda x: functional.prelu(x, torch.linspace(0, 1, CHANNELS)),
    "max_pool2d": lambda x: functional.max_pool2d(x, 2),
    "mean": lambda x: torch.mean(codes(torch.round)(x), (2, 3), keepdim=True),
    "one pixel": lambda x: functional.adaptive_avg_pool2d(codes(torch.round)(x), 1),
    "nn.AdaptiveAvgPool2d": nn.Sequential(Steps(), nn.AdaptiveAvgPool2d(1)),
    "nn.AdaptiveMaxPool2d": nn.AdaptiveMaxPool2d(1),
    "adaptive_max_pool2d": lambda x: functional.adaptive_max_pool2d(x, 1),
    "nn.ZeroPad2d": Surrounded(nn.ZeroPad2d((0, 1, 1, 0))),
    "functional.pad": Surrounded(lambda x: functional.pad(x, (1, 0, 0, 1), value=0.0)),
    "torch.cat": lambda x: torch.cat((torch.relu(x), x, torch.concat((x, -x), 1)), dim=1),
    "torch.concatenate": lambda x: torch.concatenate([codes(torch.round)(x), x], 1),
    "parts": lambda x: x.split(2, 1)[2] + torch.chunk(x, 3, 1)[0] + x[:, 1:5].chunk(2, dim=1)[1],
    "torch.split": lambda x: torch.split(x, [1, 5], 1)[1].narrow(1, 1, 3),
    "torch.narrow": lambda x: torch.narrow(torch.relu(x), 1, 2, 3),
    "index_select": lambda x: torch.index_select(x, 1, torch.tensor([5, 0, 0])).index_select(
        1, torch.tensor([1, 0])
    ),
    "nn.ChannelShuffle": nn.ChannelShuffle(2),
    "nn.PixelShuffle": nn.Sequential(Steps(), Fewer(), nn.PixelShuffle(2)),
    "nn.ConvTranspose2d": nn.Sequential(
        Steps(), binary(nn.ConvTranspose2d(CHANNELS, 4, 4, 2, 1, bias=False))
    ),
    "pixel_shuffle": lambda x: functional.pixel_shuffle(x[:, :4], 2),
    "shuffle": lambda x: functional.channel_shuffle(torch.relu(x), 3),
    "views": lambda x: x.view(x.size(0), 2, 3, 6, 6).transpose(1, 2).reshape(x.size(0), 6, 6, 6),
    "nn.Upsample": nn.Sequential(nn.ReLU(), nn.Upsample(scale_factor=2)),
    "interpolate": lambda x: functional.interpolate(x, (12, 24), mode="nearest-exact")[:, ::3],
    "nn.ConstantPad2d": nn.Sequential(Steps(), nn.ConstantPad2d((0, 1, 2, 0), 1.0)),
    "functional.dropout": lambda x: functional.dropout(x, 0.5, False),
}


class Ending(nn.Module):
    """What ends a module, behind the logits of a convolution and a linear layer."""

    def __init__(self, last: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.between, self.last = Between(nn.Identity()), last

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.between(x))


ENDINGS: dict[str, Callable[[Tensor], Tensor]] = {
    "nn.Softmax": nn.Softmax(1),
    "nn.LogSoftmax": nn.LogSoftmax(-1),
    "functional.softmax": lambda x: functional.softmax(x, dim=1),
    "functional.log_softmax": lambda x: functional.log_softmax(x, -1),
    "torch.softmax": lambda x: torch.softmax(x, 1),
    "torch.log_softmax": lambda x: torch.log_softmax(x, 1),
    ".softmax": lambda x: x.softmax(1),
    ".log_softmax": lambda x: x.log_softmax(1),
    "torch.argmax": lambda x: torch.argmax(x, 1),
    "torch.argmin": lambda x: torch.argmin(x, dim=-1, keepdim=True),
    ".argmax": lambda x: x.argmax(1),
    ".argmin": lambda x: x.argmin(1),
    "torch.max": lambda x: torch.max(x, 1)[1],
    "torch.min": lambda x: torch.min(x, 1).indices,
    "torch.topk": lambda x: torch.topk(x, 1)[1],
    ".max": lambda x: x.max(1)[1],
    ".min": lambda x: x.min(dim=1, keepdim=True).indices,
    ".topk": lambda x: x.topk(1, largest=False).indices,
}
