"""The class with the greatest logit."""

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
    """The index of the greatest element, the lowest index on ties.

    Input: integers ``(1, 1, n)``. Output: one integer in ``0..n-1``.
    """

    kind: ClassVar[str] = "argmax"

    def infer(self, inputs: tuple[TensorType, ...]) -> TensorType:
        """One integer in ``0..n-1``."""
        x = only_input(inputs)
        if x.is_code or (x.height, x.width) != (1, 1):
            raise NetworkError(f"argmax takes a vector of integers, not {x}")
        return TensorType.integers(1, 1, 1, 0, x.channels - 1)

    @classmethod
    def from_parts(cls, attributes: dict[str, Any], tensors: dict[str, NDArray[Any]]) -> Self:
        """See Parts."""
        no_more(attributes, tensors)
        return cls()
