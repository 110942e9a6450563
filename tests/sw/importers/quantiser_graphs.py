"""Graphs whose quantisers are spelled with the operators that tools and people write them in."""

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.sw.importers.onnx_graphs import GraphMaker
from tests.sw.importers.operator_graphs import CHANNELS, Build, Draw, logits, signs, sums

__all__ = ["QUANTISERS"]

FLOAT, INT8, BOOL, INT32 = 1, 3, 9, 6
Middle = Callable[[GraphMaker, str, Draw], str]


def last(g: GraphMaker, x: str, draw: Draw) -> str:
    """A last layer right behind, so that its input must be codes."""
    return g.node("MatMul", x, g.const(signs(draw, CHANNELS, 5)))


def then(middle: Middle) -> Build:
    """Sums, what ``middle`` makes of them, and a last layer."""
    return lambda g, draw: last(g, middle(g, sums(g, draw), draw), draw)


def folded(middle: Middle) -> Build:
    """As ``then``, with a quantiser of three bits before the last layer."""
    return lambda g, draw: logits(g, middle(g, sums(g, draw), draw), draw)


def chain(*rows: Any) -> Middle:
    """Operators one after the other: names, or names with the constants behind the tensor."""

    def middle(g: GraphMaker, x: str, draw: Draw) -> str:
        for row in rows:
            kind, *constants = row if isinstance(row, tuple) else (row,)
            named = constants.pop() if constants and isinstance(constants[-1], dict) else {}
            x = g.node(kind, x, *map(g.const, constants), **named)
        return x

    return middle


def where(kind: str, limit: Any, yes: Any, no: Any) -> Middle:
    """Where of a comparison with a constant."""

    def middle(g: GraphMaker, x: str, draw: Draw) -> str:
        return g.node("Where", g.node(kind, x, g.const(limit)), g.const(yes), g.const(no))

    return middle


def constant_first(g: GraphMaker, x: str, draw: Draw) -> str:
    """``c > x`` and ``c - x``, with the constant on the left."""
    above = g.node("Cast", g.node("Greater", g.const(0.25), x), to=FLOAT)
    return g.node("Sub", g.const(1.0), g.node("Mul", g.const(2.0), above))


def window(g: GraphMaker, x: str, draw: Draw) -> str:
    """1 between two limits, else 0: what rises and falls."""
    inside = g.node("And", g.node("Greater", x, g.const(-1.0)), g.node("Less", x, g.const(1.0)))
    return g.node("Cast", inside, to=FLOAT)


def outside(g: GraphMaker, x: str, draw: Draw) -> str:
    """The same outside, by Or, Not and Xor."""
    low, high = g.node("LessOrEqual", x, g.const(-1.0)), g.node("Greater", x, g.const(1.0))
    both = g.node("Xor", g.node("Or", low, high), g.node("Not", g.node("Not", low)))
    return g.node("Cast", both, to=FLOAT)


def ternary(g: GraphMaker, x: str, draw: Draw) -> str:
    """-0.5, 0 and 0.5 by two Where."""
    low = g.node("Where", g.node("Less", x, g.const(-0.5)), g.const(-0.5), g.const(0.0))
    return g.node("Where", g.node("GreaterOrEqual", x, g.const(0.5)), g.const(0.5), low)


def straight_through(g: GraphMaker, x: str, draw: Draw) -> str:
    """``x + (sign(x) - x)``, which training writes."""
    return g.node("Add", x, g.node("Sub", g.node("Sign", x), x))


def scaled_straight(factor: float) -> Middle:
    """The same of numbers so large that float32 rounds the levels away."""
    return lambda g, x, draw: straight_through(g, g.node("Mul", x, g.const(factor)), draw)


def taken_twice(g: GraphMaker, x: str, draw: Draw) -> str:
    """``x - (x - round(x))``, of few numbers."""
    x = g.node("Clip", x, g.const(-2.0), g.const(2.0))
    return g.node("Sub", x, g.node("Sub", x, g.node("Round", x)))


def swish(g: GraphMaker, x: str, draw: Draw) -> str:
    """``x * sigmoid(x)``."""
    return g.node("Mul", x, g.node("Sigmoid", x))


def hard_swish(g: GraphMaker, x: str, draw: Draw) -> str:
    """``x * clip(x + 3, 0, 6) / 6``."""
    inner = g.node("Clip", g.node("Add", x, g.const(3.0)), g.const(0.0), g.const(6.0))
    return g.node("Div", g.node("Mul", x, inner), g.const(6.0))


def leaky_where(g: GraphMaker, x: str, draw: Draw) -> str:
    """LeakyRelu by Where of two functions of one tensor."""
    return g.node("Where", g.node("Greater", x, g.const(0.0)), x, g.node("Mul", x, g.const(-0.1)))


def added(g: GraphMaker, x: str, draw: Draw) -> str:
    """``x + |x|``, a sum of functions of one tensor."""
    return g.node("Add", x, g.node("Abs", x))


def thresholds(
    rows: int, levels: int, domain: str = "qonnx.custom_op.general", **attributes: Any
) -> Middle:
    """MultiThreshold, some thresholds where sums lie, not in order."""

    def middle(g: GraphMaker, x: str, draw: Draw) -> str:
        table = draw.integers(-12, 12, (rows, levels)) / 4
        x = g.node("MultiThreshold", x, g.const(table), **{"out_dtype": "INT4", **attributes})
        g.nodes[-1].domain = domain
        return x

    return middle


def scaled_thresholds(g: GraphMaker, x: str, draw: Draw) -> str:
    """MultiThreshold times a constant."""
    return g.node("Mul", thresholds(CHANNELS, 3)(g, x, draw), g.const(0.1))


def on_map(kind: str, *, last_channel: bool) -> Build:
    """A quantiser between convolutions, whose channels are the second or the last side."""

    def build(g: GraphMaker, draw: Draw) -> str:
        x = g.bipolar(g.node("Sub", "x", g.const(0.5)))
        x = g.node("Conv", x, g.const(signs(draw, CHANNELS, 1, 3, 3)), kernel_shape=[3, 3])
        table = g.const(draw.integers(-6, 6, (CHANNELS, 3)) + 0.0)
        if last_channel:
            x = g.node("Transpose", x, perm=[0, 2, 3, 1])
        x = g.node(kind, x, table, out_dtype="INT2", out_bias=-2.0,
                   data_layout="NHWC" if last_channel else "NCHW")  # fmt: skip
        if last_channel:
            x = g.node("Transpose", x, perm=[0, 3, 1, 2])
        x = g.node("Conv", x, g.const(signs(draw, 5, CHANNELS, 3, 3)), kernel_shape=[3, 3])
        return g.node("ReduceMean", x, axes=[2, 3], keepdims=0)

    return build


def pooled(*before: Any, behind: Middle) -> Build:
    """Operators on a map, max pooling, and more of them behind it."""

    def build(g: GraphMaker, draw: Draw) -> str:
        x = g.bipolar(g.node("Sub", "x", g.const(0.5)))
        x = g.node("Conv", x, g.const(signs(draw, CHANNELS, 1, 3, 3)), kernel_shape=[3, 3])
        x = chain(*before)(g, x, draw)
        x = g.node("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
        x = g.node("Flatten", behind(g, x, draw), axis=1)
        return g.node("MatMul", x, g.const(signs(draw, CHANNELS * 9, 5)))

    return build


def then_turned(*rows: Any) -> Build:
    """Codes of a map that is turned and flattened before a layer asks for them."""

    def build(g: GraphMaker, draw: Draw) -> str:
        x = g.bipolar(g.node("Sub", "x", g.const(0.5)))
        x = g.node("Conv", x, g.const(signs(draw, CHANNELS, 1, 3, 3)), kernel_shape=[3, 3])
        x = g.node("Transpose", chain(*rows)(g, x, draw), perm=[0, 2, 3, 1])
        return g.node("MatMul", g.node("Flatten", x), g.const(signs(draw, CHANNELS * 36, 5)))

    return build


def odd_fan_in(g: GraphMaker, draw: Draw) -> str:
    """Sign of sums of 63 odd numbers, which are never 0."""
    x = g.node("Flatten", g.bipolar(g.node("Sub", "x", g.const(0.5))), axis=1)
    g.shape = (1, 1, 7, 9)
    x = g.node("MatMul", x, g.const(signs(draw, 63, CHANNELS)))
    return last(g, g.node("Sign", x), draw)


def turned_pixels(g: GraphMaker, draw: Draw) -> str:
    """Pixels that are quantised the other way round."""
    x = g.quant(g.node("Sub", g.const(1.0), "x"), 1 / 8, 3, signed=0)
    x = g.node("MatMul", g.node("Flatten", x, axis=1), g.const(signs(draw, 64, CHANNELS)))
    return logits(g, g.node("Mul", x, g.const(0.125)), draw)


def joined(one: Any, other: Any) -> Build:
    """Two branches times constants, some of them 0, and their sum."""

    def build(g: GraphMaker, draw: Draw) -> str:
        x = g.quant(sums(g, draw), 0.25, 3)
        parts = [
            g.node("Mul", g.node("MatMul", x, g.const(signs(draw, CHANNELS, CHANNELS))), g.const(c))
            for c in (one, other)
        ]
        return logits(g, g.node("Add", *parts), draw)

    return build


def wide_bias(bits: float) -> Build:
    """A bias of many bits, as Brevitas writes it."""

    def build(g: GraphMaker, draw: Draw) -> str:
        bias = g.quant(g.const(draw.integers(-900, 900, 5) / 64), 1 / 64, bits)
        weights = g.quant(g.const(draw.integers(-3, 4, (5, CHANNELS))), 1.0, 3)
        return g.node("Gemm", g.quant(sums(g, draw), 0.25, 3), weights, bias, transB=1)

    return build


def wide_scale(g: GraphMaker, draw: Draw) -> str:
    """A scale that is quantised to many bits itself."""
    scale = g.quant(g.const(draw.uniform(0.2, 0.4)), 1 / 1024, 16, signed=0)
    parameters = scale, g.const(0.0), g.const(3.0)
    x = g.node("Quant", sums(g, draw), *parameters, signed=1, narrow=0, rounding_mode="ROUND")
    return last(g, x, draw)


def chosen_weights(g: GraphMaker, draw: Draw) -> str:
    """Binary weights by comparisons of constants."""
    w = g.const(draw.normal(size=(CHANNELS, 5)))
    yes = g.node("Not", g.node("Less", w, g.const(0.0)))
    w = g.node("Where", g.node("And", yes, g.node("Equal", w, w)), g.const(1.0), g.const(-1.0))
    w = g.node("Sign", g.node("Min", g.node("Max", w, g.const(-2.0)), g.node("Relu", g.const(9.0))))
    w = g.node("Round", g.node("Log", g.node("Exp", w)))
    return g.node("MatMul", g.quant(sums(g, draw), 0.25, 3), w)


TURNS = np.resize([1.0, -1.0], (1, CHANNELS, 1, 1))


def rounded_weights(g: GraphMaker, draw: Draw) -> str:
    """Weights of three bits by Tanh, Round and Clip of constants, with a limit left out."""
    w = g.node("Mul", g.node("Tanh", g.const(draw.normal(size=(CHANNELS, 5)))), g.const(4.5))
    w = g.node("Clip", g.node("Round", w), g.const(-3.0), g.const(2.0))
    w = g.node("Clip", g.node("Clip", w, "", g.const(3.0)), g.const(-3.0))
    return g.node("MatMul", g.quant(sums(g, draw), 0.25, 3), g.node("Mul", w, g.const(0.5)))


SCALE = np.linspace(0.25, 1.5, CHANNELS)
FIRST = ("Clip", -1.0, 1.5)
TO = {kind: {"to": kind} for kind in (FLOAT, INT8, BOOL, INT32)}
QUANTISERS: dict[str, Build] = {
    "Sign": then(chain("Sign")),
    "Sign with a scale": then(chain("Sign", ("Mul", 0.5))),
    "Sign never 0": then(chain(("Add", 1 / 16), "Sign")),
    "Sign odd": odd_fan_in,
    "Sign falling": then(chain("Neg", "Sign")),
    "Round": then(chain(("Mul", 4.0), ("Clip", -4.0, 3.0), "Round", ("Div", 4.0))),
    "Round then Clip": then(chain(("Div", 0.3), "Round", ("Clip", -4.0, 3.0), ("Mul", 0.5))),
    "Round then Clip between": then(chain("Round", ("Clip", -2.5, 1.5))),
    "Floor": then(chain(("Clip", 0.0, 3.0), "Floor")),
    "Ceil": then(chain("Relu", ("Min", 3.0), "Ceil", ("Mul", 0.5), ("Sub", 1.0))),
    "half up": then(chain(("Add", 0.5), "Floor", ("Clip", -2.0, 1.0))),
    "Relu6": folded(chain(("Clip", 0.0, 6.0))),
    "Max": folded(chain(("Max", -0.5), ("Min", SCALE))),
    "Greater": then(chain(("Greater", 0.0), ("Cast", TO[FLOAT]))),
    "GreaterOrEqual": then(chain(("GreaterOrEqual", SCALE), ("Cast", TO[FLOAT]), ("Mul", 0.5))),
    "Less": then(chain(("Less", 0.0), ("Cast", TO[FLOAT]), ("Mul", 2.0), ("Sub", 1.0))),
    "LessOrEqual": then(where("LessOrEqual", 0.0, -1.0, 1.0)),
    "Equal": then(chain(("Equal", 0.0), ("Cast", TO[FLOAT]))),
    "Where": then(where("Greater", 0.0, 1.0, -1.0)),
    "Where by channel": folded(where("GreaterOrEqual", 0.25, SCALE, -SCALE)),
    "Where equal": then(where("Less", SCALE, 0.5, 0.5)),
    "constant first": then(constant_first),
    "And": then(window),
    "Or": then(outside),
    "ternary": then(ternary),
    "straight through": then(straight_through),
    "straight through, rounded to 0": then(scaled_straight(2.0**30)),
    "straight through, rounded": then(scaled_straight(2.0**22 / 3)),
    "taken twice": then(taken_twice),
    "Cast": then(chain(FIRST, ("Cast", TO[INT32]), ("Cast", TO[FLOAT]))),
    "Cast to bool": then(chain(FIRST, ("Cast", TO[BOOL]), ("Cast", TO[INT8]), ("Cast", TO[FLOAT]))),
    "Abs": folded(chain("Abs", ("Sub", 0.5))),
    "Mish": folded(chain("Mish")),
    "HardSwish": folded(chain("HardSwish")),
    "Gelu": folded(chain(("Gelu", {"approximate": "tanh"}))),
    "Celu": folded(chain(("Celu", {"alpha": 0.5}))),
    "Erf": folded(chain("Erf")),
    "Exp": folded(chain(("Min", 1.0), "Exp", ("Sub", 1.0))),
    "Log": folded(chain("Abs", ("Add", 0.25), "Log")),
    "Sqrt": folded(chain("Abs", "Sqrt", ("Sub", 1.0))),
    "Reciprocal": folded(chain(("Add", 10.0), "Reciprocal", ("Mul", 4.0))),
    "Pow": folded(chain(("Pow", 2.0), ("Sub", 1.0), ("Mul", 0.25))),
    "LeakyRelu falling": folded(chain(("LeakyRelu", {"alpha": -0.5}))),
    "Elu falling": folded(chain(("Elu", {"alpha": -1.0}))),
    "PRelu falling": folded(chain(("PRelu", np.linspace(-1, 1, CHANNELS)))),
    "swish": folded(swish),
    "hard swish": folded(hard_swish),
    "leaky Where": folded(leaky_where),
    "added": folded(added),
    "Div by": folded(lambda g, x, d: g.node("Div", g.const(4.0), g.node("Add", x, g.const(9.0)))),
    "Sub from": folded(lambda g, x, draw: g.node("Sub", g.const(0.25), x)),
    "Div": folded(chain(("Div", -3.0))),
    "MultiThreshold": then(thresholds(CHANNELS, 3, out_bias=-2.0)),
    "MultiThreshold one row": then(thresholds(1, 7, out_scale=0.5)),
    "MultiThreshold falling": then(thresholds(CHANNELS, 4, out_scale=-0.5, out_bias=1.0)),
    "MultiThreshold bipolar": then(thresholds(6, 1, out_scale=2.0, out_bias=-1.0)),
    "MultiThreshold of FINN": then(thresholds(6, 3, "finn.custom_op.general", data_layout="NC")),
    "MultiThreshold of Brevitas": then(thresholds(1, 3, "onnx.brevitas")),
    "MultiThreshold then Mul": then(scaled_thresholds),
    "MultiThreshold wide": folded(thresholds(CHANNELS, 300, out_scale=0.03125, out_bias=-4.0)),
    "MultiThreshold map": on_map("MultiThreshold", last_channel=False),
    "MultiThreshold map NHWC": on_map("MultiThreshold", last_channel=True),
    "Quant of 16 bits": folded(lambda g, x, draw: g.quant(x, 0.1, 16)),
    "wide bias 9": wide_bias(9),
    "wide bias 24": wide_bias(24),
    "wide bias 32": wide_bias(32),
    "wide scale": wide_scale,
    "pooled Sign": pooled("Sign", behind=chain()),
    "pooled falling": pooled("Neg", "Sign", behind=chain(("Mul", 0.5))),
    "pooled Abs": pooled(behind=chain("Abs", ("Sub", 4.0), "Sign")),
    "Abs pooled": pooled("Abs", behind=chain(("Sub", 5.0), ("Clip", -1.0, 2.0), "Round")),
    "falls, pooled, falls": pooled("Neg", behind=chain("Neg", ("Clip", -3.0, 0.0), "Round")),
    "falls, pooled, rises": pooled(("Div", -2.0), behind=chain(("Clip", -3.0, 2.0), "Ceil")),
    "turned, pooled": pooled(("Mul", TURNS), behind=chain(("Mul", -0.5), "Sign")),
    "turned, Tanh, pooled": pooled(("Mul", TURNS), "Tanh", behind=chain(("Mul", 2.0), "Round")),
    "turned codes, pooled": pooled("Sign", ("Mul", TURNS), behind=chain(("Add", 0.25), "Round")),
    "Sign, turned": then_turned("Sign"),
    "Round, turned": then_turned(("Clip", -2.0, 1.0), "Round", ("Mul", 0.5)),
    "turned pixels": turned_pixels,
    "joined 0": joined(np.array([1, 0, 0.5, 2, 0, 1.0]), np.array([0.5, 1, 1, 1, 0, -1.0])),
    "joined all 0": joined(0.0, SCALE),
    "joined 0 and 0": joined(np.array([1, 0, 3, 1, 1, 1.0]), np.array([0, 1, 1, 1, 1, 0.0])),
    "chosen weights": chosen_weights,
    "rounded weights": rounded_weights,
}  # fmt: skip
