"""Layers of random graphs: windows, groups, paddings, branches, and operators on integers."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from subbit.sw.bench.graph_maker import GraphMaker
from subbit.sw.bench.graph_parts import (
    Draw,
    Row,
    Tensor,
    bias,
    constant,
    convolution,
    flatten,
    linear_layer,
    power,
    scale_for,
    weights,
)

__all__ = ["averaged", "branches", "grouped", "qlinear_conv", "qlinear_matmul", "window"]

Pads = tuple[int, int, int, int]
NO_PADS: Pads = (0, 0, 0, 0)
# Above, left, below and right: as much in both directions, so that maps stay square.
UNEVEN: tuple[Pads, ...] = ((0, 1, 1, 0), (1, 0, 0, 1), (0, 0, 1, 1), (1, 1, 0, 0))


def side_of(side: int, pad: int, reach: int, stride: int) -> int:
    """The side of a window's results."""
    return (side + pad - reach) // stride + 1 if side + pad >= reach else 0


def convolved(
    g: GraphMaker,
    draw: Draw,
    t: Tensor,
    kernel: tuple[int, int],
    *,
    pads: Pads = NO_PADS,
    stride: int = 1,
    dilations: tuple[int, int] = (1, 1),
    groups: int = 1,
    outputs: int = 0,
    auto: str = "",
    by_node: bool = False,
) -> Tensor:
    """A convolution of that window; a plain one where the tensor or its padding does not fit."""
    pads = pads if t.zero else NO_PADS
    auto = auto if t.zero else ""
    reach = [(side - 1) * step + 1 for side, step in zip(kernel, dilations, strict=True)]
    sides = [
        -(-t.side // stride) if auto else side_of(t.side, pads[i] + pads[i + 2], reach[i], stride)
        for i in range(2)
    ]
    if not t.side or sides[0] != sides[1] or not sides[0]:
        return convolution(g, draw, t)
    outputs = outputs or int(draw.integers(2, 6)) * groups
    x, given = t.x, dict[str, Any](kernel_shape=list(kernel))
    if any(pads) and by_node:
        x = padded(g, draw, x, pads)
    elif any(pads):
        given["pads"] = list(pads)
    if auto:
        given["auto_pad"] = auto
    given |= {"strides": [stride] * 2} if stride > 1 else {}
    given |= {"dilations": list(dilations)} if dilations != (1, 1) else {}
    given |= {"group": groups} if groups > 1 else {}
    inputs = [x, weights(g, draw, outputs, t.channels // groups, *kernel)]
    inputs += [bias(g, draw, outputs)] if draw.random() < 0.4 else []
    size = t.size * 2 * np.sqrt(t.channels / groups * kernel[0] * kernel[1])
    return Tensor(g.node("Conv", *inputs, **given), outputs, sides[0], size=float(size))


def padded(g: GraphMaker, draw: Draw, x: str, pads: Pads) -> str:
    """Zeros around a map by a node, now and then by two."""
    if draw.random() < 0.2:
        x = padded(g, draw, x, (pads[0], 0, 0, pads[3]))
        pads = (0, pads[1], pads[2], 0)
    ends = [0, 0, *pads[:2], 0, 0, *pads[2:]]
    if g.opset < 11:
        return g.node("Pad", x, pads=ends)
    return g.node("Pad", x, g.const(ends, np.int64))


def window(kind: str) -> Row:
    """A convolution whose window is of a kind."""

    def row(g: GraphMaker, draw: Draw, t: Tensor) -> Tensor:
        def pick(*values: Any) -> Any:
            return values[draw.integers(len(values))]

        stride, half = int(pick(1, 1, 2)), int(pick(0, 1))
        if kind == "dilated":
            kernel = pick((3, 3), (2, 2), (3, 2), (2, 3))
            steps = (2, 2) if kernel[0] == kernel[1] else pick((2, 1), (1, 2), (1, 1))
            pads = (2 * half,) * 4 if kernel == (3, 3) else NO_PADS
            return convolved(g, draw, t, kernel, pads=pads, dilations=steps, stride=stride)
        if kind == "even":
            kernel, pads = pick(((2, 2), UNEVEN[2]), ((2, 2), NO_PADS), ((4, 4), (1, 1, 1, 1)))
            return convolved(g, draw, t, kernel, pads=pads, stride=stride)
        if kind == "oblong":
            kernel, pads = pick(
                ((1, 3), (0, 1, 0, 1)), ((5, 1), (2, 0, 2, 0)), ((3, 5), (1, 2, 1, 2))
            )
            return convolved(g, draw, t, kernel, pads=pads, stride=stride)
        if kind == "large":
            kernel, pads = pick(
                ((7, 7), (3, 3, 3, 3)), ((1, 9), (0, 4, 0, 4)), ((6, 7), (5, 0, 0, 6))
            )
            return convolved(g, draw, t, kernel, pads=pads, stride=int(pick(1, 2, 3, 4)))
        if kind == "uneven":
            kernel = pick((3, 3), (3, 3), (5, 5))
            return convolved(g, draw, t, kernel, pads=pick(*UNEVEN), stride=stride)
        if kind == "auto":
            kernel, name = pick((3, 3), (2, 2), (5, 5)), pick("SAME_UPPER", "SAME_LOWER")
            return convolved(g, draw, t, kernel, auto=name, stride=stride)
        if kind == "Pad":
            pads = pick((1, 1, 1, 1), *UNEVEN)
            return convolved(g, draw, t, (3, 3), pads=pads, stride=stride, by_node=True)
        return convolved(g, draw, t, (t.side, t.side))

    return row


def grouped(g: GraphMaker, draw: Draw, t: Tensor) -> Tensor:
    """A convolution of two groups or more, or of one group a channel with several outputs each."""
    groups = [n for n in range(2, t.channels + 1) if t.channels % n == 0]
    if not t.side or not groups:
        return convolution(g, draw, t)
    count = int(draw.choice(groups))
    deep = count == t.channels
    outputs = count * int(draw.integers(2, 4) if deep else draw.integers(1, 3))
    side = int(draw.choice([1, 3]))
    pads: Pads = (1, 1, 1, 1) if side == 3 and draw.random() < 0.5 else NO_PADS
    stride = int(draw.choice([1, 2]))
    return convolved(
        g, draw, t, (side, side), pads=pads, stride=stride, groups=count, outputs=outputs
    )


def branches(g: GraphMaker, draw: Draw, t: Tensor) -> Tensor:
    """The sum or difference of two layers' results, times factors, some of them 0."""
    count = int(draw.integers(3, 7))
    if t.side:
        kernel = 3 if t.zero and draw.random() < 0.4 else 1
        one = convolved(g, draw, t, (1, 1), outputs=count)
        pads: Pads = (kernel // 2,) * 4
        other = convolved(g, draw, t, (kernel, kernel), pads=pads, outputs=count)
    else:
        one, other = (linear_layer(g, draw, t, count) for _ in range(2))
    names = [factored(g, draw, part) for part in (one, other)]
    x = g.node(str(draw.choice(["Add", "Sub"])), *names)
    return replace(one, x=x, size=2 * max(one.size, other.size))


def factored(g: GraphMaker, draw: Draw, t: Tensor) -> str:
    """A tensor as it is, or times one factor, or one a channel, with few bits each."""
    way = draw.random()
    if way < 0.3:
        return t.x
    shape: Any = () if way < 0.6 else (t.channels, 1, 1) if t.side else (t.channels,)
    choices = [0.5, 1.0, 2.0, -1.0, 3.0, 0.75] + ([0.0, 0.0] if way >= 0.6 else [])
    return g.node("Mul", t.x, constant(g, draw, draw.choice(choices, shape)))


@dataclass(frozen=True)
class Integers:
    """Integers of 8 bits: their name ``x``, ``known`` scale and zero point, and if ``signed``."""

    x: str
    known: tuple[str, str]
    signed: bool


def whole(g: GraphMaker, draw: Draw, t: Tensor) -> Integers:
    """A tensor as integers of 8 bits."""
    signed = draw.random() < 0.5
    kind, low, high = (np.int8, -20, 20) if signed else (np.uint8, 0, 140)
    known = (
        g.const(scale_for(draw, t.size, 64)),
        g.const(int(draw.integers(low, high)), kind),
    )
    return Integers(g.node("QuantizeLinear", t.x, *known), known, signed)


def eights(
    g: GraphMaker, draw: Draw, signed: bool, scale: Any, *shape: int
) -> tuple[str, str, str]:
    """Weights as integers of 8 bits, with scale and zero point."""
    w = draw.integers(-7, 8, shape)
    if signed:
        return g.const(w, np.int8), g.const(scale), g.const(np.zeros(np.shape(scale)), np.int8)
    return g.const(w + 128, np.uint8), g.const(scale), g.const(128, np.uint8)


def results(g: GraphMaker, draw: Draw, signed: bool, size: float) -> tuple[str, str]:
    """Scale and zero point of results that are about so large."""
    kind, low, high = (np.int8, -9, 9) if signed else (np.uint8, 90, 140)
    return g.const(scale_for(draw, size, 64)), g.const(int(draw.integers(low, high)), kind)


def qlinear_conv(g: GraphMaker, draw: Draw, t: Tensor) -> Tensor:
    """QuantizeLinear, QLinearConv and DequantizeLinear, on maps of opset 10 or later."""
    if not t.side or g.opset < 10:
        return convolution(g, draw, t)
    given = whole(g, draw, t)
    count, side = int(draw.integers(2, 6)), int(draw.choice([1, 3])) if t.side >= 3 else 1
    pad, stride = side // 2 if draw.random() < 0.5 else 0, int(draw.choice([1, 2]))
    scale = power(draw, count if given.signed and draw.random() < 0.5 else ())
    w = eights(g, draw, given.signed, scale, count, t.channels, side, side)
    size = float(t.size * 3 * np.sqrt(t.channels) * side * scale.max())
    out = results(g, draw, given.signed, size)
    more = [g.const(draw.integers(-99, 99, count), np.int32)] if draw.random() < 0.5 else []
    named: dict[str, Any] = {"pads": [pad] * 4} if pad else {}
    x = g.node("QLinearConv", given.x, *given.known, *w, *out, *more, strides=[stride] * 2, **named)
    x = g.node("DequantizeLinear", x, *out)
    return Tensor(x, count, side_of(t.side, 2 * pad, side, stride), coded=True, size=size)


def qlinear_matmul(g: GraphMaker, draw: Draw, t: Tensor) -> Tensor:
    """QuantizeLinear, QLinearMatMul and DequantizeLinear, of opset 10 or later."""
    t, count = flatten(g, draw, t), int(draw.integers(3, 8))
    if g.opset < 10:
        return linear_layer(g, draw, t, count)
    given, scale = whole(g, draw, t), power(draw)
    w = eights(g, draw, given.signed, scale, t.channels, count)
    size = float(t.size * 3 * np.sqrt(t.channels) * scale)
    out = results(g, draw, given.signed, size)
    x = g.node("QLinearMatMul", given.x, *given.known, *w, *out)
    return Tensor(g.node("DequantizeLinear", x, *out), count, 0, coded=True, size=size)


def averaged(g: GraphMaker, draw: Draw, t: Tensor) -> Tensor:
    """A mean whose divisor is a power of two, with no quantiser behind it: sums for a layer."""
    if t.side < 2 or not t.coded:
        return t
    if t.side in (2, 4, 8) and draw.random() < 0.5:
        made = replace(t, x=mean_of_map(g, draw, t), side=1, coded=False)
        return shifted(g, draw, made) if draw.random() < 0.4 else made
    kernel = 4 if t.side >= 4 and draw.random() < 0.3 else 2
    stride, pads = int(draw.choice([1, 2])), NO_PADS
    if t.zero and draw.random() < 0.3:
        pads = (1, 1, 1, 1) if kernel == 4 else UNEVEN[draw.integers(2, 4)]
    named: dict[str, Any] = {"kernel_shape": [kernel] * 2, "strides": [stride] * 2}
    if any(pads):
        named |= {"pads": list(pads), "count_include_pad": 1}
    x = g.node("AveragePool", t.x, **named)
    return replace(t, x=x, side=side_of(t.side, pads[0] + pads[2], kernel, stride), coded=False)


def shifted(g: GraphMaker, draw: Draw, t: Tensor) -> Tensor:
    """A mean with one factor, and an offset for each channel."""
    x = g.node("Mul", t.x, constant(g, draw, power(draw)))
    x = g.node("Add", x, constant(g, draw, draw.integers(-9, 10, (t.channels, 1, 1)) / 4))
    return replace(t, x=x, zero=False)


def mean_of_map(g: GraphMaker, draw: Draw, t: Tensor) -> str:
    """The mean of a whole map, in one of its spellings."""
    way = draw.integers(4)
    if way == 0:
        return g.node("GlobalAveragePool", t.x)
    if way == 1:
        return g.node("AveragePool", t.x, kernel_shape=[t.side] * 2)
    if way == 2:
        return reduced(g, t.x, int(draw.choice([2, -2])), int(draw.choice([3, -1])))
    x = reduced(g, g.node("Transpose", t.x, perm=[0, 2, 3, 1]), 1, 2)
    return g.node("Transpose", x, perm=[0, 3, 1, 2])


def reduced(g: GraphMaker, x: str, *axes: int) -> str:
    """ReduceMean, its axes as an attribute before opset 18 and as an input since; none below 0
    before opset 11.
    """
    found = [axis % 4 if g.opset < 11 else axis for axis in axes]
    if g.opset < 18:
        return g.node("ReduceMean", x, axes=found, keepdims=1)
    return g.node("ReduceMean", x, g.const(found, np.int64), keepdims=1)
