"""Channels that become rows and columns."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from numpy.typing import NDArray

from subbit.sw.errors import NetworkError, quote
from subbit.sw.ir.layer import Layer
from subbit.sw.ir.parts import no_more, only_input, take_int
from subbit.sw.ir.types import TensorType

__all__ = ["DepthToSpace"]

MOST = 8


@dataclass(frozen=True)
class DepthToSpace(Layer):
    """``y[rows * h + i, columns * w + j, c] = x[h, w, (i * columns + j) * C + c]``: the channels of
    a pixel as a block of ``rows`` by ``columns`` pixels, 1 to 8 each and not both 1. It is the end
    of a transposed convolution, and of sub-pixel convolution (Shi et al., CVPR 2016).

    Input: any tensor ``(H, W, rows * columns * C)``. Output: the same elements,
    ``(rows * H, columns * W, C)``.
    """

    kind: ClassVar[str] = "depthtospace"
    rows: int
    columns: int

    def __post_init__(self) -> None:
        for factor in (self.rows, self.columns):
            if type(factor) is not int or not 1 <= factor <= MOST:
                raise NetworkError(f"a block has 1 to {MOST} rows and columns, not {quote(factor)}")
        if self.rows == self.columns == 1:
            raise NetworkError("blocks of one pixel change nothing; leave depthtospace out")

    def infer(self, inputs: tuple[TensorType, ...]) -> TensorType:
        """So many times as high and as wide, with as many times fewer channels."""
        x, block = only_input(inputs), self.rows * self.columns
        if x.channels % block:
            raise NetworkError(
                f"blocks of {self.rows}x{self.columns} need a multiple of {block} channels, "
                f"not {x.channels}"
            )
        return x.with_shape(self.rows * x.height, self.columns * x.width, x.channels // block)

    def attributes(self) -> dict[str, Any]:
        """Rows and columns of a block."""
        return {"rows": self.rows, "columns": self.columns}

    @classmethod
    def from_parts(cls, attributes: dict[str, Any], tensors: dict[str, NDArray[Any]]) -> Self:
        """See Parts."""
        rows, columns = (take_int(attributes, name, 1, MOST) for name in ("rows", "columns"))
        no_more(attributes, tensors)
        return cls(rows, columns)
