"""A border around a map."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from numpy.typing import NDArray

from subbit.sw.errors import NetworkError, quote
from subbit.sw.ir.layer import Layer
from subbit.sw.ir.parts import no_more, only_input, take_int
from subbit.sw.ir.types import Encoding, TensorType, joint_type

__all__ = ["Pad"]

MOST = 4096
VALUE_LIMIT = 1 << 47


@dataclass(frozen=True)
class Pad(Layer):
    """So many rows and columns (0 to 4,096, not all 0) ``above``, ``left`` of, ``below`` and
    ``right`` of a map, in all channels, whose elements stand for ``value``.

    Input: any tensor ``(H, W, C)``. Output: ``(above + H + below, left + W + right, C)``, of the
    same codes where one of them stands for ``value``, else of integers. Padding that a convolution
    has costs less: this is for borders that something else reads.
    """

    kind: ClassVar[str] = "pad"
    above: int
    left: int
    below: int
    right: int
    value: int = 0

    def __post_init__(self) -> None:
        for margin in self.margins:
            if type(margin) is not int or not 0 <= margin <= MOST:
                raise NetworkError(f"a border is 0 to {MOST} wide, not {quote(margin)}")
        if not any(self.margins):
            raise NetworkError("a border of width 0 on all sides does nothing; leave it out")
        if type(self.value) is not int or not -VALUE_LIMIT <= self.value < VALUE_LIMIT:
            raise NetworkError(f"a border's value is an integer of 48 bits, not {self.value!r}")

    @property
    def margins(self) -> tuple[int, int, int, int]:
        """``(above, left, below, right)``."""
        return self.above, self.left, self.below, self.right

    def infer(self, inputs: tuple[TensorType, ...]) -> TensorType:
        """The larger map, in a type that holds the border's value too."""
        x = only_input(inputs)
        height, width = self.above + x.height + self.below, self.left + x.width + self.right
        low, high = x.value_range
        odd = x.encoding is not Encoding.BIPOLAR or self.value % 2
        if x.is_code and odd and low <= self.value <= high:
            return x.with_shape(height, width, x.channels)
        border = TensorType.integers(1, 1, 1, self.value, self.value)
        return joint_type((x, border), height, width, x.channels)

    def stored(self, kind: TensorType) -> int:
        """What the border's elements are stored as in an output of that type."""
        return (self.value + kind.high) // 2 if kind.encoding is Encoding.BIPOLAR else self.value

    def attributes(self) -> dict[str, Any]:
        """The four margins and the value."""
        sides = dict(zip(("above", "left", "below", "right"), self.margins, strict=True))
        return {**sides, "value": self.value}

    @classmethod
    def from_parts(cls, attributes: dict[str, Any], tensors: dict[str, NDArray[Any]]) -> Self:
        """See Parts."""
        sides = ("above", "left", "below", "right")
        margins = {side: take_int(attributes, side, 0, MOST) for side in sides}
        value = take_int(attributes, "value", -VALUE_LIMIT, VALUE_LIMIT - 1)
        no_more(attributes, tensors)
        return cls(**margins, value=value)
