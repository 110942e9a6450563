"""Flattening a feature map to a vector."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from numpy.typing import NDArray

from subbit.sw.ir.layer import Layer
from subbit.sw.ir.parts import no_more, only_input
from subbit.sw.ir.types import TensorType

__all__ = ["Flatten"]


@dataclass(frozen=True)
class Flatten(Layer):
    """``(H, W, C)`` as a vector of ``H*W*C`` in the order of the stream: row, column, channel.

    PyTorch's Flatten puts the channel first; whoever converts such a network permutes the next
    layer's columns.
    """

    kind: ClassVar[str] = "flatten"

    def infer(self, inputs: tuple[TensorType, ...]) -> TensorType:
        """The same elements as ``(1, 1, H*W*C)``."""
        x = only_input(inputs)
        return x.with_shape(1, 1, x.elements)

    @classmethod
    def from_parts(cls, attributes: dict[str, Any], tensors: dict[str, NDArray[Any]]) -> Self:
        """See Parts."""
        no_more(attributes, tensors)
        return cls()
