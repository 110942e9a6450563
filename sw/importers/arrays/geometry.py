"""How the kernels of a described convolution move."""

from subbit.sw.importers.arrays.rows import DescriptionRow
from subbit.sw.importers.exact.value import Fractions
from subbit.sw.ir.layers.convolution import MAX_DILATION, MAX_STRIDE, Padding
from subbit.sw.ir.layers.pooling import MAX_APART
from subbit.sw.ir.window import NO_PADS, Pads, Side

__all__ = ["take_geometry", "take_pooling"]


def take_geometry(
    row: DescriptionRow, offset: Fractions
) -> tuple[Side, Padding, Pads | None, Side]:
    """Stride, padding, pads and dilation of a row; ``offset``: of its input's channels."""
    stride, padding = row.side("stride", 1, 1, MAX_STRIDE), padding_of(row, offset)
    return stride, padding, row.pads(), row.side("dilation", 1, 1, MAX_DILATION)


def take_pooling(row: DescriptionRow) -> tuple[Side, Side, Pads]:
    """Kernel, stride and pads of a pooling; 2x2 windows side by side where nothing is said."""
    kernel = row.side("kernel", 2, 1, MAX_APART)
    return kernel, row.side("stride", 0, 0, MAX_APART), row.pads() or NO_PADS


def padding_of(row: DescriptionRow, offset: Fractions) -> Padding:
    """The padding of a row; the numbers that surround the input must be ones that codes have."""
    kind = Padding(row.choice("padding", tuple(map(str, Padding)), "none"))
    if kind is Padding.ZERO and (offset != 0).any():
        raise row.error("zeros around its input are no codes of it; use another padding")
    return kind
