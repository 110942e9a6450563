"""Random QONNX graphs against qonnx's executor: whatever is imported agrees in every layer."""

from pathlib import Path

import numpy as np
import pytest

from tests.sw.importers.onnx_graphs import GraphMaker, checked

Draw = np.random.Generator
SEEDS = range(30)


def power(draw: Draw, *shape: int) -> np.ndarray:
    """Powers of two, with which the source's sums are exact."""
    return 2.0 ** draw.integers(-4, 2, shape)


def weights(g: GraphMaker, draw: Draw, *shape: int) -> str:
    """Quantised weights of 1 to 4 bits with one scale an output or for all."""
    values = g.const(draw.normal(size=shape))
    ones = (1,) * (len(shape) - 1)
    scale = power(draw, shape[0], *ones) if draw.random() < 0.5 else power(draw)
    bits = int(draw.integers(1, 5))
    if bits == 1:
        return g.bipolar(values, scale)
    return g.quant(values, scale, bits, narrow=int(draw.integers(2)))


def quantiser(g: GraphMaker, draw: Draw, x: str) -> tuple[str, bool]:
    """A quantiser, and whether one of its codes is 0."""
    kind = draw.integers(3)
    if kind == 0:
        return g.bipolar(x, float(power(draw))), True
    bits = int(draw.integers(1 if kind == 1 else 2, 5))
    mode = str(draw.choice(["ROUND", "FLOOR", "CEIL", "HALF_UP"]))
    scale = float(power(draw)) * float(draw.choice([4, 64, 512]))
    if kind == 1:
        return g.quant(g.node("Relu", x), scale, bits, signed=0, mode=mode), True
    zero = float(draw.integers(-1, 2))
    narrow = int(draw.integers(2))
    return g.quant(x, scale, bits, zero=zero, narrow=narrow, mode=mode), bits > 1 or not narrow


def maybe_pool(g: GraphMaker, draw: Draw, x: str, side: int) -> tuple[str, int]:
    """2x2 max pooling, now and then."""
    if side < 4 or draw.random() < 0.7:
        return x, side
    return g.node("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2]), side // 2


def block(
    g: GraphMaker, draw: Draw, x: str, channels: int, side: int, padded: bool
) -> tuple[str, int, int, bool]:
    """Convolution, norm and quantiser, with pooling in some place, and now and then a shortcut."""
    deep = draw.random() < 0.3
    outputs = channels if deep or draw.random() < 0.4 else int(draw.integers(2, 7))
    kernel = int(draw.choice([3, 5])) if deep else int(draw.choice([1, 3, 5]))
    pad = kernel // 2 if padded else 0
    if side + 2 * pad - kernel < 0:
        kernel, pad = (3, 1) if padded and deep else (1, 0)
        deep = deep and kernel == 3
    stride = int(draw.integers(1, 3))
    shape = (outputs, 1 if deep else channels, kernel, kernel)
    inputs = [x, weights(g, draw, *shape)]
    if draw.random() < 0.3:
        inputs.append(g.const(draw.integers(-8, 9, outputs) / 4))
    y = g.node(
        "Conv",
        *inputs,
        kernel_shape=[kernel] * 2,
        strides=[stride] * 2,
        pads=[pad] * 4,
        group=channels if deep else 1,
    )
    made = (side + 2 * pad - kernel) // stride + 1
    if made == side and outputs == channels and draw.random() < 0.5:
        y = g.node("Add", y, x)
    y, made = maybe_pool(g, draw, y, made)
    if draw.random() < 0.7:
        y = g.norm(y, outputs, draw)
    y, fits = quantiser(g, draw, y)
    y, made = maybe_pool(g, draw, y, made)
    return y, outputs, made, fits


def graph(g: GraphMaker, draw: Draw) -> str:
    """One to three blocks, a mean or a flattened map, a linear layer, some scale and offset."""
    x, padded = "x", True
    if draw.random() < 0.7:
        x = g.node("Sub", g.node("Mul", x, g.const(2.0)), g.const(1.0))
        x, padded = quantiser(g, draw, x)
    channels, side = 2, 12
    for _ in range(int(draw.integers(1, 4))):
        x, channels, side, padded = block(g, draw, x, channels, side, padded)
    count = channels * side * side
    if draw.random() < 0.3:
        x = g.quant(g.node("GlobalAveragePool", x), 0.25, 6)
        count = channels
    y = g.node("Gemm", g.node("Flatten", x, axis=1), weights(g, draw, 4, count), transB=1)
    return g.norm(y, 4, draw) if draw.random() < 0.4 else y


@pytest.mark.parametrize("seed", SEEDS)
def test_random_graphs_agree(seed: int, tmp_path: Path) -> None:
    draw = np.random.default_rng(seed)
    g = GraphMaker(1, 2, 12, 12)
    path = g.save(graph(g, draw), tmp_path / "net.onnx")
    # Whole pixels, since sums of 255ths are inexact in the source.
    agreement = checked(path, 12, span=(0.0, 255.0))["agreement"]
    assert agreement["first_difference"] is None
    assert agreement["classes_apart"] == 0
