"""Global average pooling as a sum."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from numpy.typing import NDArray

from subbit.sw.ir.layer import Layer
from subbit.sw.ir.layers.avgpool2d import sum_type
from subbit.sw.ir.parts import no_more, only_input
from subbit.sw.ir.types import TensorType

__all__ = ["GlobalAvgPool"]


@dataclass(frozen=True)
class GlobalAvgPool(Layer):
    """The sum of each channel over the whole map; the mean times ``H * W``.

    There is no division, see AvgPool2d. Input: codes, whose values are summed, or integers
    ``(H, W, C)``. Output: integers ``(1, 1, C)``.
    """

    kind: ClassVar[str] = "globalavgpool"

    def infer(self, inputs: tuple[TensorType, ...]) -> TensorType:
        """Integers in the range of ``H * W`` values of the input."""
        x = only_input(inputs)
        return sum_type(x, x.height * x.width, 1, 1)

    @classmethod
    def from_parts(cls, attributes: dict[str, Any], tensors: dict[str, NDArray[Any]]) -> Self:
        """See Parts."""
        no_more(attributes, tensors)
        return cls()
