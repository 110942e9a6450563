"""The sum of two tensors: where a residual path joins."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from numpy.typing import NDArray

from subbit.sw.errors import NetworkError, quote
from subbit.sw.ir.layer import Layer
from subbit.sw.ir.parts import no_more, take_int
from subbit.sw.ir.types import TensorType

__all__ = ["Add"]

MAX_SHIFT = 24


@dataclass(frozen=True)
class Add(Layer):
    """``y = a * 2**shift_a + b * 2**shift_b`` of two tensors ``a`` and ``b`` of one shape.

    Each may be codes, whose values are added, or integers. The shifts (0 to 24) cost nothing in
    hardware; they bring two paths of different scales together in fixed point. Output: integers.
    """

    kind: ClassVar[str] = "add"
    shift_a: int = 0
    shift_b: int = 0

    def __post_init__(self) -> None:
        for shift in self.shifts:
            if type(shift) is not int or not 0 <= shift <= MAX_SHIFT:
                raise NetworkError(
                    f"an addition shifts by 0 to {MAX_SHIFT} bits, not {quote(shift)}"
                )

    @property
    def shifts(self) -> tuple[int, int]:
        """``(shift_a, shift_b)``."""
        return self.shift_a, self.shift_b

    def infer(self, inputs: tuple[TensorType, ...]) -> TensorType:
        """Integers in the range of the sum."""
        if len(inputs) != 2:
            raise NetworkError(f"an addition takes two inputs, not {len(inputs)}")
        a, b = inputs
        if a.shape != b.shape:
            raise NetworkError(
                f"both inputs of an addition must have one shape (height, width, channels), not "
                f"{a.shape} and {b.shape}; give the shorter path the stride and channels of the "
                "other, as a 1x1 convolution can"
            )
        low, high = (
            (left << self.shift_a) + (right << self.shift_b)
            for left, right in zip(a.value_range, b.value_range, strict=True)
        )
        return TensorType.integers(*a.shape, low, high)

    def attributes(self) -> dict[str, Any]:
        """Both shifts."""
        return {"shift_a": self.shift_a, "shift_b": self.shift_b}

    @classmethod
    def from_parts(cls, attributes: dict[str, Any], tensors: dict[str, NDArray[Any]]) -> Self:
        """See Parts."""
        shifts = [take_int(attributes, f"shift_{side}", 0, MAX_SHIFT) for side in "ab"]
        no_more(attributes, tensors)
        return cls(*shifts)
