"""Graphs whose channels become rows and columns: transposed convolutions, DepthToSpace."""

from typing import Any

from tests.sw.importers.onnx_graphs import GraphMaker
from tests.sw.importers.operator_graphs import CHANNELS, Build, Draw, quantised_map, signs

__all__ = ["BLOCKS"]


def enlarged(kernel: int, *, bits: int = 1, bias: bool = False, **attributes: Any) -> Build:
    """A transposed convolution, and a convolution behind it."""

    def build(g: GraphMaker, draw: Draw) -> str:
        shape = (CHANNELS, 4, kernel, kernel)
        weights = signs(draw, *shape)
        if bits > 1:
            weights = draw.integers(-(2 ** (bits - 1)), 2 ** (bits - 1), shape) * 0.125
        given = [g.const(weights)] + ([g.const(draw.integers(-3, 4, 4) * 0.5)] if bias else [])
        x = g.node("ConvTranspose", quantised_map(g, draw), *given, **attributes)
        x = g.quant(x, 2.0, 3)
        x = g.node("Conv", x, g.const(signs(draw, 3, 4, 3, 3)), strides=[2, 2])
        return g.node("GlobalAveragePool", x)

    return build


def in_blocks(mode: str) -> Build:
    """Channels that become rows and columns."""

    def build(g: GraphMaker, draw: Draw) -> str:
        x = g.node("Conv", quantised_map(g, draw), g.const(signs(draw, 12, CHANNELS, 1, 1)))
        x = g.node("DepthToSpace", g.quant(x, 2.0, 3), blocksize=2, mode=mode)
        x = g.node("Conv", x, g.const(signs(draw, 3, 3, 3, 3)))
        return g.node("GlobalAveragePool", x)

    return build


BLOCKS: dict[str, Build] = {
    "ConvTranspose": enlarged(2, strides=[2, 2]),
    "transposed, a kernel of 4": enlarged(4, strides=[2, 2], pads=[1] * 4, bias=True),
    "transposed, more at one end": enlarged(
        3, strides=[2, 2], pads=[1] * 4, output_padding=[1, 1], bits=4
    ),
    "transposed, of 4 bits": enlarged(2, strides=[2, 2], bits=4, bias=True),
    "transposed, a stride of 3": enlarged(5, strides=[3, 3], pads=[1] * 4),
    "transposed, a stride of 1": enlarged(3, pads=[1] * 4),
    "DepthToSpace": in_blocks("DCR"),
    "blocks by channel": in_blocks("CRD"),
}
