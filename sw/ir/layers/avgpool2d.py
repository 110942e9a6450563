"""Average pooling as sums: over windows, and over a whole map."""

from dataclasses import dataclass
from typing import ClassVar

from subbit.sw.ir.layers.pooling import Pooling
from subbit.sw.ir.parts import only_input
from subbit.sw.ir.types import TensorType

__all__ = ["AvgPool2d", "sum_type"]


def sum_type(
    x: TensorType, count: int, height: int, width: int, *, padded: bool = False
) -> TensorType:
    """The type of sums of ``count`` values of ``x`` each, on a map of ``height`` x ``width``;
    ``padded``: some of them may be 0 instead.
    """
    low, high = (count * end for end in x.value_range)
    if padded:
        low, high = min(low, 0), max(high, 0)
    return TensorType.integers(height, width, x.channels, low, high)


@dataclass(frozen=True)
class AvgPool2d(Pooling):
    """The sum of each window, the mean times its elements; see Pooling. Padding adds 0.

    There is no division: whoever exports multiplies the next thresholds (or scales) by the elements
    of a window. Input: codes, whose values are summed, or integers ``(H, W, C)``. Output: integers
    ``(H', W', C)``.
    """

    kind: ClassVar[str] = "avgpool2d"
    what: ClassVar[str] = "average pooling"

    def infer(self, inputs: tuple[TensorType, ...]) -> TensorType:
        """Integers in the range of as many values of the input as a window has."""
        x = only_input(inputs)
        padded = any(self.pads)
        return sum_type(x, self.window.size, *self.outputs(x), padded=padded)
