"""Max pooling."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from numpy.typing import NDArray

from subbit.sw.ir.layers.pooling import Pooling
from subbit.sw.ir.parts import only_input
from subbit.sw.ir.types import TensorType

__all__ = ["MaxPool2d"]


@dataclass(frozen=True)
class MaxPool2d(Pooling):
    """The greatest of each window; see Pooling. Without further numbers that is of 2x2 blocks, a
    last odd row or column dropped.

    Input: any tensor. Output: the same elements, ``(H', W', C)``. The greatest code stands for the
    greatest value, so codes are compared as they are.
    """

    kind: ClassVar[str] = "maxpool2d"
    what: ClassVar[str] = "max pooling"

    @property
    def is_blocks(self) -> bool:
        """Whether windows are 2x2 blocks side by side."""
        return (self.kernel, self.stride) == (2, 2) and not any(self.pads)

    def infer(self, inputs: tuple[TensorType, ...]) -> TensorType:
        """The input's type, with a pixel for each window."""
        x = only_input(inputs)
        return x.with_shape(*self.outputs(x), x.channels)

    def attributes(self) -> dict[str, Any]:
        """See Pooling; none of 2x2 blocks."""
        return {} if self.is_blocks else super().attributes()

    @classmethod
    def from_parts(cls, attributes: dict[str, Any], tensors: dict[str, NDArray[Any]]) -> Self:
        """See Parts."""
        if "kernel" not in attributes and "stride" not in attributes:
            attributes = {"kernel": 2, "stride": 2, **attributes}
        return super().from_parts(attributes, tensors)
