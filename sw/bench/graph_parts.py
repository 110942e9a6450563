"""What random graphs are made of: rows, each a function that appends a few nodes.

A row takes the graph, the draw and what is known of the last tensor, and gives what is known of the
next one; where it does not fit, it gives the tensor as it is. The tables name them.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subbit.sw.bench.graph_maker import GraphMaker

__all__ = ["Draw", "Row", "Tensor", "flatten"]

Draw = np.random.Generator
SMOOTH = ("Sigmoid", "Tanh", "Mish", "Gelu", "Elu", "Celu", "Selu", "Softplus", "Exp")
Array = NDArray[Any]


@dataclass(frozen=True)
class Tensor:
    """The last tensor: its name ``x``, its ``channels``, and the ``side`` of a square map, 0 for a
    vector. ``coded``: whether it is quantised; ``zero``: whether a code of it is 0, so that zeros
    may pad it; ``size``: about how large its numbers are. ``smooth``: whether it is the result of
    an approximation, whose last bit depends on where in the tensor a number stands.
    """

    x: str
    channels: int
    side: int
    coded: bool = False
    zero: bool = True
    size: float = 128.0
    smooth: bool = False

    @property
    def elements(self) -> int:
        """How many numbers it has."""
        return self.channels * max(self.side, 1) ** 2


Row = Callable[[GraphMaker, Draw, Tensor], Tensor]


def constant(g: GraphMaker, draw: Draw, numbers: Any, kind: Any = np.float32) -> str:
    """A constant: an initializer, or what a node makes."""
    array, way = np.asarray(numbers, kind), draw.random()
    if way < 0.2:
        return g.constant(array)
    name = g.const(array, kind)
    if way < 0.3:
        return g.node("Identity", name)
    if way < 0.35 and kind is np.float32:
        return g.node("Neg", g.const(-array))
    return name


def numbers(g: GraphMaker, draw: Draw, t: Tensor, low: float, high: float) -> str:
    """One number, or one for each channel, in one of the shapes that broadcast."""
    if draw.random() < 0.4:
        shapes: list[tuple[int, ...]] = [(), (1,), (1, 1)]
    elif t.side:
        shapes = [(t.channels, 1, 1), (1, t.channels, 1, 1)]
    else:
        shapes = [(t.channels,), (1, t.channels)]
    shape = shapes[draw.integers(len(shapes))]
    return constant(g, draw, draw.uniform(low, high, shape))


def power(draw: Draw, shape: Any = ()) -> Array:
    """Powers of two, with which the source's sums are exact."""
    return np.asarray(2.0 ** draw.integers(-3, 3, shape))


def scale_for(draw: Draw, size: float, levels: int) -> float:
    """A power of two with which so many levels reach about as far as the numbers."""
    return float(2.0 ** np.round(np.log2(max(size, 1e-6) * draw.uniform(1, 3) / levels)))


def weights(g: GraphMaker, draw: Draw, *shape: int) -> str:
    """Weights of 1 to 5 bits, with one scale for all, for an output, or plain."""
    ones = (1,) * (len(shape) - 1)
    scale = power(draw, (shape[0], *ones)) if draw.random() < 0.4 else power(draw)
    way, bits = draw.integers(6), int(draw.integers(2, 6))
    if way == 0:
        return g.bipolar(constant(g, draw, draw.normal(size=shape)), scale)
    if way == 1:
        top = (1 << (bits - 1)) - 1
        return constant(g, draw, draw.integers(-top, top + 1, shape) * scale)
    if way == 2 and g.opset >= 13:
        sides = np.broadcast_to(scale, (shape[0], *ones)).reshape(-1)
        whole = g.const(draw.integers(-9, 10, shape), np.int8)
        zero = g.const(np.zeros(len(sides)), np.int8)
        return g.node("DequantizeLinear", whole, g.const(sides), zero, axis=0)
    if way == 4:
        signs = g.node("Sign", g.const(draw.normal(size=shape)))
        return g.node("Mul", signs, g.const(scale))
    if way == 5:
        yes = g.node("Greater", g.const(draw.normal(size=shape)), g.const(0.0))
        return g.node("Where", yes, g.const(scale), g.const(-scale))
    rows = draw.normal(size=shape) * scale * 2 ** (bits - 2)
    return g.quant(g.const(rows), scale, bits, narrow=int(draw.integers(2)))


def bias(g: GraphMaker, draw: Draw, outputs: int) -> str:
    """A bias for each output, plain or of so many bits as tools write it."""
    if draw.random() < 0.6:
        return constant(g, draw, draw.integers(-9, 10, outputs) / 4)
    bits = float(draw.choice([9, 16, 24, 32]))
    return g.quant(constant(g, draw, draw.integers(-900, 900, outputs) / 128), 1 / 64, bits)


def as_pixels(g: GraphMaker, draw: Draw, t: Tensor) -> Tensor:
    """The pixels as they are."""
    return replace(t, coded=True)


def few_bits(g: GraphMaker, draw: Draw, t: Tensor) -> Tensor:
    """Pixels of 1 to 8 bits."""
    bits = int(draw.integers(1, 9))
    x = g.quant(t.x, 256.0 / (1 << bits), bits, signed=0, mode=str(draw.choice(["FLOOR", "ROUND"])))
    return replace(t, x=x, coded=True)


def signs_of_pixels(g: GraphMaker, draw: Draw, t: Tensor) -> Tensor:
    """Pixels less a mean, as signs."""
    x = g.node("Sub", t.x, constant(g, draw, 127.5))
    return replace(t, x=g.bipolar(x, float(power(draw))), coded=True, size=1.0)


def centred(g: GraphMaker, draw: Draw, t: Tensor) -> Tensor:
    """Pixels less a whole mean, times a power of two: no quantiser."""
    x = g.node("Sub", t.x, constant(g, draw, 128.0))
    x = g.node("Mul", constant(g, draw, 0.25), x) if draw.random() < 0.5 else x
    return replace(t, x=x, coded=True, zero=True)


def linear_pixels(g: GraphMaker, draw: Draw, t: Tensor) -> Tensor:
    """ONNX's own quantiser of the pixels, of eight bits."""
    if g.opset < 13:
        return few_bits(g, draw, t)
    return replace(t, x=g.linear(t.x, float(draw.choice([1.0, 2.0])), 0, np.uint8), coded=True)


def convolution(g: GraphMaker, draw: Draw, t: Tensor) -> Tensor:
    """Conv, plain or depthwise, with or without padding and bias, and now and then a shortcut."""
    if not t.side:
        return dense(g, draw, t)
    deep = draw.random() < 0.25
    kernel = int(draw.choice([1, 3, 3, 5]))
    stride = int(draw.choice([1, 1, 2]))
    pad = kernel // 2 if t.zero and draw.random() < 0.6 else 0
    if t.side + 2 * pad < kernel or (deep and (kernel == 1 or not t.coded)):
        kernel, pad, stride, deep = 1, 0, 1, False
    outputs = t.channels if deep or draw.random() < 0.5 else int(draw.integers(2, 7))
    inputs = 1 if deep else t.channels
    given = [t.x, weights(g, draw, outputs, inputs, kernel, kernel)]
    if draw.random() < 0.4:
        given.append(bias(g, draw, outputs))
    attributes: dict[str, Any] = {"group": t.channels} if deep else {}
    if pad and stride == 1 and draw.random() < 0.2:
        attributes["auto_pad"] = str(draw.choice(["SAME_UPPER", "SAME_LOWER"]))
    elif pad or draw.random() < 0.5:
        attributes["pads"] = [pad] * 4
    if stride > 1 or draw.random() < 0.5:
        attributes["strides"] = [stride] * 2
    y = g.node("Conv", *given, kernel_shape=[kernel] * 2, **attributes)
    side = (t.side + 2 * pad - kernel) // stride + 1
    if side == t.side and outputs == t.channels and draw.random() < 0.5:
        other = g.node("Mul", t.x, g.const(power(draw))) if draw.random() < 0.3 else t.x
        pair = (y, other) if draw.random() < 0.5 else (other, y)
        y = g.node("Add" if draw.random() < 0.7 else "Sub", *pair)
    size = t.size * 2 * np.sqrt(inputs) * kernel
    return Tensor(y, outputs, side, size=float(size))


def flatten(g: GraphMaker, draw: Draw, t: Tensor) -> Tensor:
    """A map as a vector, by Flatten or Reshape."""
    if not t.side:
        return t
    if draw.random() < 0.2:
        t = replace(t, x=g.node("Transpose", t.x, perm=[0, 2, 3, 1]))
    if draw.random() < 0.5:
        x = g.node("Flatten", t.x, **({"axis": 1} if draw.random() < 0.5 else {}))
    else:
        shape = [[g.shape[0], -1], [0, -1], [g.shape[0], t.elements]][draw.integers(3)]
        x = g.node("Reshape", t.x, g.const(shape, np.int64))
    return replace(t, x=x, channels=t.elements, side=0)


def dense(g: GraphMaker, draw: Draw, t: Tensor) -> Tensor:
    """Gemm or MatMul."""
    t = flatten(g, draw, t)
    return linear_layer(g, draw, t, int(draw.integers(3, 9)))


def linear_layer(g: GraphMaker, draw: Draw, t: Tensor, outputs: int) -> Tensor:
    """Gemm or MatMul with so many outputs."""
    count, way = t.channels, draw.integers(3)
    size = float(t.size * 2 * np.sqrt(count))
    if way == 0:
        w = g.bipolar(g.const(draw.normal(size=(count, outputs))), float(power(draw)))
        return Tensor(g.node("MatMul", t.x, w), outputs, 0, size=size)
    if way == 1:
        w = g.node("Transpose", weights(g, draw, outputs, count), perm=[1, 0])
        return Tensor(g.node("MatMul", t.x, w), outputs, 0, size=size)
    given = [t.x, weights(g, draw, outputs, count)]
    given += [bias(g, draw, outputs)] if draw.random() < 0.6 or g.opset < 11 else []
    extra = {"alpha": 0.5} if draw.random() < 0.2 else {}
    extra |= {"beta": 2.0} if draw.random() < 0.2 else {}
    return Tensor(g.node("Gemm", *given, transB=1, **extra), outputs, 0, size=size)


def with_constant(kind: str, first: bool) -> Row:
    """``x kind c``, or ``c kind x``."""

    def row(g: GraphMaker, draw: Draw, t: Tensor) -> Tensor:
        wide = kind in ("Add", "Sub")
        reach = t.size if wide else 2.0
        if kind == "Div":
            c = numbers(g, draw, t, *((0.3, 3.0) if draw.random() < 0.5 else (-3.0, -0.3)))
        else:
            c = numbers(g, draw, t, -reach, reach)
        x = g.node(kind, *((t.x, c) if first else (c, t.x)))
        return replace(t, x=x, coded=False, zero=False)

    return row


def each(kind: str, after: int = 1, **attributes: Any) -> Row:
    """An operator on each element, of opset ``after`` or later."""

    def row(g: GraphMaker, draw: Draw, t: Tensor) -> Tensor:
        if g.opset < after:
            return t
        keeps = kind in ("Identity", "Dropout", "Cast")
        x = g.node(kind, t.x, **attributes)
        smooth = t.smooth or kind in SMOOTH
        return replace(t, x=x, coded=t.coded and keeps, smooth=smooth)

    return row


def norm(g: GraphMaker, draw: Draw, t: Tensor) -> Tensor:
    """BatchNormalization, some of its factors negative."""
    gamma = draw.uniform(0.5, 2, t.channels) * draw.choice([-1, 1], t.channels)
    spread = t.size * draw.uniform(0.3, 1, t.channels)
    rows = gamma, draw.normal(size=t.channels), draw.normal(size=t.channels) * t.size / 4
    names = [g.const(row) for row in (*rows, spread**2)]
    x = g.node("BatchNormalization", t.x, *names, epsilon=1e-5)
    return replace(t, x=x, coded=False, size=2.0)


def clip(g: GraphMaker, draw: Draw, t: Tensor) -> Tensor:
    """Clip, its limits as attributes before opset 11, since then as inputs that may be left out."""
    low, high = -t.size * draw.uniform(0, 1), t.size * draw.uniform(0.2, 1)
    if g.opset < 11:
        x = g.node("Clip", t.x, min=float(low), max=float(high))
    else:
        limits = [g.const(low) if draw.random() < 0.7 else "", g.const(high)]
        x = g.node("Clip", t.x, *limits)
    return replace(t, x=x, coded=False)


def prelu(least: float) -> Row:
    """PRelu with slopes from ``least`` to 1."""

    def row(g: GraphMaker, draw: Draw, t: Tensor) -> Tensor:
        slopes = g.const(draw.uniform(least, 1, (t.channels, 1, 1) if t.side else t.channels))
        return replace(t, x=g.node("PRelu", t.x, slopes), coded=False)

    return row


def there_and_back(g: GraphMaker, draw: Draw, t: Tensor) -> Tensor:
    """A map with its channels last, and then as it was."""
    if not t.side:
        return t
    x = g.node("Transpose", t.x, perm=[0, 2, 3, 1])
    return replace(t, x=g.node("Transpose", x, perm=[0, 3, 1, 2]))


def few_codes(g: GraphMaker, draw: Draw, t: Tensor) -> Tensor:
    """Quant, signed or not, with any rounding, zero point and width up to 6 bits."""
    bits, signed = int(draw.integers(1, 7)), int(draw.integers(2))
    x = t.x if signed else g.node("Relu", t.x)
    bits = max(bits, 2) if signed else bits
    mode = str(draw.choice(["ROUND", "FLOOR", "CEIL", "HALF_UP", "HALF_DOWN", "UP", "DOWN"]))
    mode = "ROUND" if t.smooth else mode
    zero = float(draw.integers(-1, 2)) if signed and draw.random() < 0.3 else 0.0
    scale = scale_for(draw, t.size, 1 << (bits - signed))
    narrow = int(draw.integers(2)) if bits > 1 else 0
    x = g.quant(x, scale, bits, zero=zero, signed=signed, narrow=narrow, mode=mode)
    return replace(
        t, x=x, coded=True, zero=True, size=min(t.size, scale * (1 << bits)), smooth=False
    )


def one_bit(g: GraphMaker, draw: Draw, t: Tensor) -> Tensor:
    """BipolarQuant."""
    scale = float(power(draw))
    x = g.bipolar(t.x, scale)
    return replace(t, x=x, coded=True, zero=True, size=scale, smooth=False)


def linear_codes(g: GraphMaker, draw: Draw, t: Tensor) -> Tensor:
    """QuantizeLinear and DequantizeLinear, now and then with a Clip between them."""
    if g.opset < 13:
        return few_codes(g, draw, t)
    kind = np.uint8 if draw.random() < 0.5 else np.int8
    top = 15 if kind is np.uint8 and draw.random() < 0.5 else None
    scale = scale_for(draw, t.size, (top or 127) + 1)
    zero = int(draw.integers(0, 4)) if top is None else 0
    x = g.linear(g.node("Relu", t.x) if top else t.x, scale, zero, kind, top=top)
    return replace(t, x=x, coded=True, zero=True, smooth=False)


def max_pool(g: GraphMaker, draw: Draw, t: Tensor) -> Tensor:
    """Max pooling: of 2x2 blocks, of windows that overlap, with padding, or with ceil_mode."""
    if t.side < 4:
        return t
    way = draw.random()
    if way < 0.5:
        x = g.node("MaxPool", t.x, kernel_shape=[2, 2], strides=[2, 2])
        return replace(t, x=x, side=t.side // 2)
    kernel, stride, pad = ((3, 2, 1), (3, 1, 1), (2, 1, 0), (4, 3, 2))[draw.integers(4)]
    named: dict[str, Any] = {"kernel_shape": [kernel] * 2, "strides": [stride] * 2}
    named["pads"] = [pad] * 4
    over = t.side + 2 * pad - kernel
    side = over // stride + 1
    if g.opset >= 10 and draw.random() < 0.3:
        named["ceil_mode"] = 1
        side = -(-over // stride) + 1
        side -= (side - 1) * stride >= t.side + pad
    return replace(t, x=g.node("MaxPool", t.x, **named), side=side)


def mean_of(g: GraphMaker, draw: Draw, t: Tensor, whole: bool) -> Tensor:
    """A mean whose divisor is a power of two, which keeps it exact, and a quantiser."""
    if t.side not in (4, 8) or not t.coded:
        return t
    if not whole:
        x = g.node("AveragePool", t.x, kernel_shape=[2, 2], strides=[2, 2])
        return few_codes(g, draw, replace(t, x=x, side=t.side // 2, coded=False))
    if draw.random() < 0.5:
        x = g.node("GlobalAveragePool", t.x)
    elif g.opset < 18:
        x = g.node("ReduceMean", t.x, axes=[2, 3], keepdims=1)
    else:
        x = g.node("ReduceMean", t.x, g.const([2, 3], np.int64), keepdims=1)
    return few_codes(g, draw, replace(t, x=x, side=1, coded=False))
