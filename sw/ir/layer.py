"""The base of every layer of a Network."""

from abc import abstractmethod
from typing import ClassVar

from subbit.sw.ir.parts import Parts
from subbit.sw.ir.types import TensorType

__all__ = ["Layer"]


class Layer(Parts):
    """One integer operation of a network: a frozen dataclass with its rule, arrays and attributes.

    ``kind`` is the layer's name in files and in the table of layer kinds. A layer that holds arrays
    is declared with ``eq=False``, so that Parts compares it.
    """

    kind: ClassVar[str]

    @abstractmethod
    def infer(self, inputs: tuple[TensorType, ...]) -> TensorType:
        """The output's type for these inputs; raises NetworkError where they do not fit."""

    @property
    def weight_count(self) -> int:
        """Number of weights."""
        return 0

    @property
    def weight_bits(self) -> int:
        """Bits that the hardware stores for the weights."""
        return 0
