"""Random chains of operators on each element, between layers, against the source's executor."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from subbit.sw.errors import NetworkError
from tests.sw.importers.onnx_graphs import GraphMaker, checked
from tests.sw.importers.operator_graphs import CHANNELS, Draw, signs

SEEDS, PARTS = 15, 6
# Multiples of 1/4, so that the source's sums are exact.
NUMBERS = (0.5, -0.5, 1.0, 2.0, -1.0, 0.25, 3.0, -2.0, 0.0, 1.5)
Link = Callable[[GraphMaker, str, Draw, int], str]


def number(g: GraphMaker, draw: Draw, ndim: int) -> str:
    """A constant for all channels, or one for each."""
    if draw.integers(3):
        return g.const(draw.choice(NUMBERS))
    return g.const(draw.choice(NUMBERS, CHANNELS).reshape(1, CHANNELS, *[1] * (ndim - 2)))


def alone(*kinds: str) -> Link:
    """An operator without constants."""
    return lambda g, x, draw, ndim: g.node(str(draw.choice(kinds)), x)


def with_number(*kinds: str) -> Link:
    """An operator with a constant on either side."""

    def link(g: GraphMaker, x: str, draw: Draw, ndim: int) -> str:
        operands = [x, number(g, draw, ndim)]
        return g.node(str(draw.choice(kinds)), *operands[:: int(draw.choice([1, -1]))])

    return link


def compared(g: GraphMaker, x: str, draw: Draw, ndim: int) -> str:
    """A comparison with a constant, which may be negated."""
    kinds = ("Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Equal")
    x = with_number(*kinds)(g, x, draw, ndim)
    return g.node("Not", x) if draw.integers(4) == 0 else x


def as_number(g: GraphMaker, x: str, draw: Draw, ndim: int) -> str:
    """One or two comparisons as a number."""
    found = compared(g, x, draw, ndim)
    if draw.integers(2):
        other = compared(g, x, draw, ndim)
        found = g.node(str(draw.choice(["And", "Or", "Xor"])), found, other)
    return g.node("Cast", found, to=1)


def where(g: GraphMaker, x: str, draw: Draw, ndim: int) -> str:
    """Where of constants, or of the tensor itself."""
    branches = [x if draw.integers(3) == 0 else number(g, draw, ndim) for _ in range(2)]
    return g.node("Where", compared(g, x, draw, ndim), *branches)


def clipped(g: GraphMaker, x: str, draw: Draw, ndim: int) -> str:
    """Clip."""
    return g.node(
        "Clip", x, g.const(draw.choice([-3.0, -0.75, 0.0])), g.const(draw.choice([1, 2.5]))
    )


def with_itself(g: GraphMaker, x: str, draw: Draw, ndim: int) -> str:
    """A tensor and a function of it."""
    kinds = ("Abs", "Relu", "Round", "Sign", "Neg", "Floor")
    return g.node(str(draw.choice(["Add", "Sub", "Mul"])), x, g.node(str(draw.choice(kinds)), x))


def straight_through(g: GraphMaker, x: str, draw: Draw, ndim: int) -> str:
    """``x + (q(x) - x)``."""
    return g.node("Add", x, g.node("Sub", alone("Round", "Sign", "Floor")(g, x, draw, ndim), x))


def thresholds(g: GraphMaker, x: str, draw: Draw, ndim: int) -> str:
    """MultiThreshold."""
    table = draw.integers(-8, 8, (int(draw.choice([1, CHANNELS])), int(draw.choice([1, 3, 5])))) / 4
    scale, bias = float(draw.choice([1, 0.5, -1])), float(draw.choice([0, -1, 0.5]))
    return g.node(
        "MultiThreshold", x, g.const(table), out_dtype="INT4", out_scale=scale, out_bias=bias
    )


def quant(g: GraphMaker, x: str, draw: Draw, ndim: int) -> str:
    """Quant, narrow or wide."""
    scale, bits = float(draw.choice([0.25, 1.0])), float(draw.choice([2, 3, 4, 12]))
    return g.quant(x, scale, bits, signed=int(draw.integers(2)))


LINKS: tuple[Link, ...] = (
    *(alone("Relu", "Neg", "Abs", "HardSwish"), alone("Round", "Floor", "Ceil", "Sign")),
    *(with_number("Add", "Sub", "Mul", "Min", "Max"), as_number, where, clipped, with_itself),
    *(straight_through, thresholds, quant),
)


def linked(g: GraphMaker, x: str, draw: Draw, ndim: int, count: int) -> str:
    """Operators one after the other."""
    for _ in range(count):
        x = LINKS[draw.integers(len(LINKS))](g, x, draw, ndim)
    return x


def graph(g: GraphMaker, draw: Draw) -> str:
    """A layer, a chain, perhaps pooling and a quantiser, a layer."""
    ndim = int(draw.choice([2, 4]))
    x = g.bipolar(g.node("Sub", "x", g.const(0.5)))
    if ndim == 2:
        x = g.node("MatMul", g.node("Flatten", x, axis=1), g.const(signs(draw, 64, CHANNELS)))
    else:
        x = g.node("Conv", x, g.const(signs(draw, CHANNELS, 1, 3, 3)), kernel_shape=[3, 3])
    x = linked(g, g.node("Mul", x, g.const(0.25)), draw, ndim, int(draw.integers(1, 5)))
    if ndim == 4 and draw.integers(2):
        x = g.node("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
        x = linked(g, x, draw, ndim, int(draw.integers(3)))
    if draw.integers(3):
        x = g.quant(x, 0.25, 3)
    if ndim == 2:
        return g.node("MatMul", x, g.const(signs(draw, CHANNELS, 5)))
    x = g.node("Conv", x, g.const(signs(draw, 5, CHANNELS, 1, 1)), kernel_shape=[1, 1])
    return g.node("ReduceMean", x, axes=[2, 3], keepdims=0)


@pytest.mark.parametrize("part", range(PARTS))
def test_random_chains_agree_or_are_refused(part: int, tmp_path: Path) -> None:
    agree, refused = 0, []
    for seed in range(part * SEEDS, (part + 1) * SEEDS):
        g = GraphMaker(1, 1, 8, 8, opset=14)
        path = g.save(graph(g, np.random.default_rng(seed)), tmp_path / "net.onnx")
        try:
            agreement = checked(path, images=30)["agreement"]
        except NetworkError as error:
            refused.append(str(error))
            continue
        assert agreement["first_difference"] is None, seed
        agree += 1
    assert agree > SEEDS // 2
    assert not [text for text in refused if "malformed" in text]
