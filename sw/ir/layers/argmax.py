"""The class with the greatest logit, of a vector or at each pixel of a map."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from numpy.typing import NDArray

from subbit.sw.errors import NetworkError
from subbit.sw.ir.layer import Layer
from subbit.sw.ir.parts import no_more, only_input
from subbit.sw.ir.types import TensorType

__all__ = ["Argmax"]


@dataclass(frozen=True)
class Argmax(Layer):
    """The index of each pixel's greatest element, the lowest index on ties.

    Input: integers ``(H, W, n)``; of a vector H and W are 1. Output: integers in ``0..n-1``,
    ``(H, W, 1)``: the class of each pixel.
    """

    kind: ClassVar[str] = "argmax"

    def infer(self, inputs: tuple[TensorType, ...]) -> TensorType:
        """An integer in ``0..n-1`` for each pixel."""
        x = only_input(inputs)
        if x.is_code:
            raise NetworkError(f"argmax takes integers, not {x}")
        return TensorType.integers(x.height, x.width, 1, 0, x.channels - 1)

    @classmethod
    def from_parts(cls, attributes: dict[str, Any], tensors: dict[str, NDArray[Any]]) -> Self:
        """See Parts."""
        no_more(attributes, tensors)
        return cls()
