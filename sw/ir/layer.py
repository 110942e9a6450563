"""The base of every layer of a Network."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Self

from numpy.typing import NDArray

from subbit.sw.ir.types import TensorType

__all__ = ["Layer"]


class Layer(ABC):
    """One integer operation of a network: a frozen dataclass with its rule, arrays and attributes.

    ``kind`` is the layer's name in files and in the table of layer kinds.
    """

    kind: ClassVar[str]

    @abstractmethod
    def infer(self, inputs: tuple[TensorType, ...]) -> TensorType:
        """The output's type for these inputs; raises NetworkError where they do not fit."""

    def attributes(self) -> dict[str, Any]:
        """The JSON values that define the layer beside its arrays."""
        return {}

    def tensors(self) -> dict[str, NDArray[Any]]:
        """The arrays that define the layer, by name."""
        return {}

    @classmethod
    @abstractmethod
    def from_parts(cls, attributes: dict[str, Any], tensors: dict[str, NDArray[Any]]) -> Self:
        """The layer that the parts describe; raises NetworkError where they describe none."""

    @property
    def weight_count(self) -> int:
        """Number of weights."""
        return 0

    @property
    def weight_bits(self) -> int:
        """Bits that the hardware stores for the weights."""
        return 0
