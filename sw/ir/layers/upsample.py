"""Nearest upsampling."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from numpy.typing import NDArray

from subbit.sw.errors import NetworkError, quote
from subbit.sw.ir.layer import Layer
from subbit.sw.ir.parts import no_more, only_input, take_int
from subbit.sw.ir.types import TensorType

__all__ = ["Upsample"]

MOST = 8


@dataclass(frozen=True)
class Upsample(Layer):
    """``y[r, c] = x[r // rows, c // columns]``: each element as a block of ``rows`` by ``columns``,
    1 to 8 each and not both 1.

    Input: any tensor ``(H, W, C)``. Output: the same elements, ``(rows * H, columns * W, C)``.
    """

    kind: ClassVar[str] = "upsample"
    rows: int
    columns: int

    def __post_init__(self) -> None:
        for factor in (self.rows, self.columns):
            if type(factor) is not int or not 1 <= factor <= MOST:
                raise NetworkError(f"upsampling is by 1 to {MOST}, not {quote(factor)}")
        if self.rows == self.columns == 1:
            raise NetworkError("upsampling by 1 in both directions does nothing; leave it out")

    def infer(self, inputs: tuple[TensorType, ...]) -> TensorType:
        """So many times as high and as wide."""
        x = only_input(inputs)
        return x.with_shape(self.rows * x.height, self.columns * x.width, x.channels)

    def attributes(self) -> dict[str, Any]:
        """Both factors."""
        return {"rows": self.rows, "columns": self.columns}

    @classmethod
    def from_parts(cls, attributes: dict[str, Any], tensors: dict[str, NDArray[Any]]) -> Self:
        """See Parts."""
        rows, columns = (take_int(attributes, name, 1, MOST) for name in ("rows", "columns"))
        no_more(attributes, tensors)
        return cls(rows, columns)
