"""Quantisers of random graphs in the words of other operators, and what stands before them."""

from dataclasses import replace
from typing import Any

from subbit.sw.bench.graph_maker import GraphMaker
from subbit.sw.bench.graph_parts import (
    Draw,
    Row,
    Tensor,
    constant,
    few_codes,
    linear_codes,
    numbers,
    power,
    scale_for,
)

__all__ = [
    "chosen",
    "compared",
    "in_window",
    "last_channel",
    "limited",
    "multithreshold",
    "of_type",
    "rounded",
    "sign",
    "straight_through",
    "swish",
]

FLOAT, INT8, INT16, UINT8 = 1, 3, 5, 2
OPSETS = {"GreaterOrEqual": 12, "LessOrEqual": 12, "Equal": 11}


def coded(t: Tensor, x: str, size: float, zero: bool = True) -> Tensor:
    """The tensor as codes."""
    return replace(t, x=x, coded=True, zero=zero, size=size, smooth=False)


def clipped(g: GraphMaker, x: str, low: float, high: float) -> str:
    """Clip, by attributes before opset 11."""
    if g.opset < 11:
        return g.node("Clip", x, min=low, max=high)
    return g.node("Clip", x, g.const(low), g.const(high))


def limits(draw: Draw, t: Tensor, *shape: int) -> Any:
    """Thresholds: where exact sums may lie, or anywhere for what is approximated."""
    if t.smooth:
        return draw.uniform(-t.size, t.size, shape)
    return draw.integers(-8, 9, shape) * (scale_for(draw, t.size, 8) / 4)


def multithreshold(each: bool) -> Row:
    """MultiThreshold with one row of thresholds, or a row for each channel."""

    def row(g: GraphMaker, draw: Draw, t: Tensor) -> Tensor:
        count = int(draw.choice([1, 3, 7, 2, 5, 15]))
        table = g.const(limits(draw, t, t.channels if each else 1, count))
        scale = float(power(draw) * draw.choice([1, 1, -1]))
        bias = -scale * float(draw.choice([0, count // 2, count / 2, count, 0.25]))
        named: dict[str, Any] = {"out_scale": scale} if scale != 1 else {}
        named |= {"out_bias": bias} if bias else {}
        last = bool(t.side) and draw.random() < 0.2
        if not last and draw.random() < 0.5:
            named["data_layout"] = "NCHW" if t.side else "NC"
        x = g.node("Transpose", t.x, perm=[0, 2, 3, 1]) if last else t.x
        named |= {"data_layout": "NHWC"} if last else {}
        x = g.node("MultiThreshold", x, table, out_dtype="INT8", **named)
        x = g.node("Transpose", x, perm=[0, 3, 1, 2]) if last else x
        return coded(t, x, abs(scale) * count, zero=float(bias / scale).is_integer())

    return row


def sign(g: GraphMaker, draw: Draw, t: Tensor) -> Tensor:
    """Sign, of numbers that may be 0 or never are, with a factor or without."""
    x = t.x
    if draw.random() < 0.5:
        x = g.node("Add", x, constant(g, draw, 1 / 256))
    x, scale = g.node("Sign", x), float(power(draw))
    if draw.random() < 0.5:
        return coded(t, g.node("Mul", x, constant(g, draw, scale)), scale)
    return coded(t, x, 1.0)


def rounded(kind: str) -> Row:
    """Round, Floor or Ceil, with Clip before or behind it, and Mul or Div around them."""

    def row(g: GraphMaker, draw: Draw, t: Tensor) -> Tensor:
        if kind == "Round" and g.opset < 11:
            return few_codes(g, draw, t)
        top = int(draw.choice([1, 3, 7, 15]))
        scale = scale_for(draw, t.size, top)
        way = "Floor" if t.smooth and kind == "Round" else kind
        x = g.node("Div", t.x, constant(g, draw, scale))
        x = g.node("Add", x, g.const(0.375)) if draw.random() < 0.3 else x
        low = -float(draw.choice([0, top, top + 1]))
        if draw.random() < 0.5:
            x = g.node(way, clipped(g, x, low, float(top)))
        else:
            x = clipped(g, g.node(way, x), low, float(top))
        if draw.random() < 0.3:
            return coded(t, x, float(top))
        return coded(t, g.node("Mul", x, constant(g, draw, scale)), scale * top)

    return row


def comparison(g: GraphMaker, draw: Draw, t: Tensor) -> str:
    """A comparison with a constant on either side; one limit, or one for each channel."""
    kinds = [
        kind
        for kind in ("Greater", "Less", "GreaterOrEqual", "LessOrEqual", "Equal")
        if g.opset >= OPSETS.get(kind, 9) and not (t.smooth and kind == "Equal")
    ]
    sides = (t.channels, 1, 1) if t.side else (t.channels,)
    limit = constant(g, draw, limits(draw, t, *(sides if draw.random() < 0.4 else ())))
    kind = str(draw.choice(kinds[:4] if draw.random() < 0.9 else kinds))
    return g.node(kind, *((t.x, limit) if draw.random() < 0.7 else (limit, t.x)))


def compared(g: GraphMaker, draw: Draw, t: Tensor) -> Tensor:
    """A comparison cast to numbers, with a factor and an offset or without."""
    x = g.node("Cast", comparison(g, draw, t), to=FLOAT)
    if draw.random() < 0.4:
        return coded(t, x, 1.0)
    scale = float(power(draw))
    x = g.node("Mul", x, constant(g, draw, 2 * scale))
    return coded(t, g.node("Sub", x, constant(g, draw, scale)), scale)


def chosen(g: GraphMaker, draw: Draw, t: Tensor) -> Tensor:
    """Where of a comparison: two numbers, or three by a second one."""
    yes, no = (float(n) for n in draw.choice([-1.0, 0.0, 1.0, 0.5, 2.0], 2, replace=False))
    if draw.random() < 0.6:
        yes = -no or yes
    x = g.node("Where", comparison(g, draw, t), constant(g, draw, yes), constant(g, draw, no))
    if draw.random() < 0.3:
        x = g.node("Where", comparison(g, draw, t), constant(g, draw, 0.0), x)
    return coded(t, x, max(abs(yes), abs(no)), zero=yes * no == 0)


def in_window(g: GraphMaker, draw: Draw, t: Tensor) -> Tensor:
    """Two comparisons joined by And, Or or Xor, and cast."""
    kind = str(draw.choice(["And", "Or", "Xor"]))
    x = g.node(kind, comparison(g, draw, t), comparison(g, draw, t))
    x = g.node("Not", x) if draw.random() < 0.3 else x
    return coded(t, g.node("Cast", x, to=FLOAT), 1.0)


def straight_through(g: GraphMaker, draw: Draw, t: Tensor) -> Tensor:
    """``x + (q(x) - x)``, which training writes so that gradients pass."""
    q = [sign, rounded("Floor"), rounded("Round"), few_codes][draw.integers(4)](g, draw, t)
    x = g.node("Add", t.x, g.node("Sub", q.x, t.x))
    return replace(q, x=x)


def of_type(g: GraphMaker, draw: Draw, t: Tensor) -> Tensor:
    """QuantizeLinear whose integers' type is an attribute, as opset 21 has it."""
    if g.opset < 21:
        return linear_codes(g, draw, t)
    kind = int(draw.choice([INT8, UINT8, INT16], p=[0.4, 0.4, 0.2]))
    scale = g.const(scale_for(draw, t.size, 64))
    x = g.node("QuantizeLinear", t.x, scale, output_dtype=kind)
    x = g.node("DequantizeLinear", x, scale)
    made = replace(t, x=x, coded=True, zero=True, smooth=False)
    return few_codes(g, draw, made) if kind == INT16 else made


def limited(kind: str) -> Row:
    """Min or Max with one number, or one for each channel."""

    def row(g: GraphMaker, draw: Draw, t: Tensor) -> Tensor:
        c = numbers(g, draw, t, -t.size, t.size)
        x = g.node(kind, *((t.x, c) if draw.random() < 0.7 else (c, t.x)))
        return replace(t, x=x, coded=False, zero=False)

    return row


def swish(g: GraphMaker, draw: Draw, t: Tensor) -> Tensor:
    """``x * sigmoid(x)``, or ``x * clip(x + 3, 0, 6)``."""
    if draw.random() < 0.5:
        x = g.node("Mul", t.x, g.node("Sigmoid", t.x))
        return replace(t, x=x, coded=False, smooth=True)
    inner = clipped(g, g.node("Add", t.x, g.const(3.0)), 0.0, 6.0)
    return replace(t, x=g.node("Mul", t.x, inner), coded=False, size=6 * t.size)


def last_channel(g: GraphMaker, draw: Draw, t: Tensor) -> Tensor:
    """Factors and offsets for each channel of a map whose channels are last for as long."""
    if not t.side:
        return t
    x = g.node("Transpose", t.x, perm=[0, 2, 3, 1])
    x = g.node("Mul", x, constant(g, draw, draw.uniform(-2, 2, t.channels)))
    x = g.node("Add", x, constant(g, draw, draw.uniform(-t.size, t.size, t.channels)))
    x = g.node("Transpose", x, perm=[0, 3, 1, 2])
    return replace(t, x=x, coded=False, zero=False)
