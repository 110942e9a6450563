"""2x2 max pooling."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from numpy.typing import NDArray

from subbit.sw.errors import NetworkError
from subbit.sw.ir.layer import Layer
from subbit.sw.ir.parts import no_more, only_input
from subbit.sw.ir.types import TensorType

__all__ = ["MaxPool2d"]


@dataclass(frozen=True)
class MaxPool2d(Layer):
    """The greatest of each 2x2 block, stride 2; a last odd row or column is dropped.

    Input: any tensor of at least 2x2. Output: the same elements, ``(H // 2, W // 2, channels)``.
    The greatest code stands for the greatest value, so codes are compared as they are.
    """

    kind: ClassVar[str] = "maxpool2d"

    def infer(self, inputs: tuple[TensorType, ...]) -> TensorType:
        """Half the height and width, rounded down."""
        x = only_input(inputs)
        if min(x.height, x.width) < 2:
            raise NetworkError(
                f"2x2 max pooling needs an input of at least 2x2, not {x.height}x{x.width}"
            )
        return x.with_shape(x.height // 2, x.width // 2, x.channels)

    @classmethod
    def from_parts(cls, attributes: dict[str, Any], tensors: dict[str, NDArray[Any]]) -> Self:
        """See Parts."""
        no_more(attributes, tensors)
        return cls()
