"""Layers of 1-D networks: maps of one row, ``(n, channels, 1, length)``, with kernels of one row.

Each is its 2-D layer with the sides ``(1, number)``, so that export and everything behind it know
nothing of 1-D networks.
"""

from typing import TypedDict, Unpack

from subbit.sw.ir import Padding
from subbit.sw.nn import joins, layers
from subbit.sw.nn.encoders import DEFAULT_MIN_SIZE

__all__ = [
    "AvgPool1d",
    "BinaryConv1d",
    "DepthwiseConv1d",
    "LineGeometry",
    "MaxPool1d",
    "QuantConv1d",
    "TiledConv1d",
]


class LineGeometry(TypedDict, total=False):
    """Options of every 1-D convolution, as those of :class:`.Geometry`: ``stride`` and
    ``dilation``, a number each; ``pads``: elements in front of and behind the map.
    """

    stride: int
    padding: Padding
    input_bits: int
    integers: bool
    dilation: int
    pads: tuple[int, int] | None
    groups: int


def flat(geometry: LineGeometry) -> layers.Geometry:
    """The same of kernels with one row."""
    pads = geometry.get("pads")
    return {
        "stride": (1, geometry.get("stride", 1)),
        "dilation": (1, geometry.get("dilation", 1)),
        "padding": geometry.get("padding", Padding.NONE),
        "pads": None if pads is None else (0, pads[0], 0, pads[1]),
        "groups": geometry.get("groups", 1),
        "input_bits": geometry.get("input_bits", 1),
        "integers": geometry.get("integers", False),
    }


class BinaryConv1d(layers.BinaryConv2d):
    """1-D convolution with plain binary weights, kernels of ``kernel`` elements."""

    def __init__(
        self, channels: int, outputs: int, kernel: int = 3, **geometry: Unpack[LineGeometry]
    ) -> None:
        super().__init__(channels, outputs, (1, kernel), **flat(geometry))


class QuantConv1d(layers.QuantConv2d):
    """1-D convolution with weights of ``bits`` bits; see QuantEncoder."""

    def __init__(
        self,
        channels: int,
        outputs: int,
        kernel: int = 3,
        *,
        bits: int,
        **geometry: Unpack[LineGeometry],
    ) -> None:
        super().__init__(channels, outputs, (1, kernel), bits=bits, **flat(geometry))


class DepthwiseConv1d(layers.DepthwiseConv2d):
    """1-D convolution of every channel with a kernel of its own, weights of ``bits`` bits."""

    def __init__(
        self, channels: int, kernel: int = 3, *, bits: int = 1, **geometry: Unpack[LineGeometry]
    ) -> None:
        super().__init__(channels, (1, kernel), bits=bits, **flat(geometry))


class TiledConv1d(layers.TiledConv2d):
    """1-D convolution whose weights are one tile repeated; see TiledEncoder."""

    def __init__(
        self,
        channels: int,
        outputs: int,
        kernel: int = 3,
        *,
        repeats: int,
        min_size: int = DEFAULT_MIN_SIZE,
        scale_bits: int = 4,
        **geometry: Unpack[LineGeometry],
    ) -> None:
        super().__init__(
            channels,
            outputs,
            (1, kernel),
            repeats=repeats,
            min_size=min_size,
            scale_bits=scale_bits,
            **flat(geometry),
        )


class MaxPool1d(layers.MaxPool2d):
    """The greatest of each ``kernel_size`` elements, ``stride`` apart (side by side for None);
    ``padding`` and ``ceil_mode`` as torch's.
    """

    def __init__(
        self,
        kernel_size: int = 2,
        stride: int | None = None,
        padding: int = 0,
        *,
        ceil_mode: bool = False,
    ) -> None:
        steps = (1, kernel_size if stride is None else stride)
        super().__init__((1, kernel_size), steps, (0, padding), ceil_mode=ceil_mode)


class AvgPool1d(joins.AvgPool2d):
    """The integer sum of each ``kernel`` elements, ``stride`` apart (side by side for None);
    ``pads``: zeros in front of and behind the map.
    """

    def __init__(
        self, kernel: int = 2, stride: int | None = None, pads: tuple[int, int] = (0, 0)
    ) -> None:
        steps = (1, kernel if stride is None else stride)
        super().__init__((1, kernel), steps, (0, pads[0], 0, pads[1]))
