"""Average pooling as sums: over k x k windows, and over a whole map."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from numpy.typing import NDArray

from subbit.sw.errors import NetworkError, quote
from subbit.sw.ir.layer import Layer
from subbit.sw.ir.parts import no_more, only_input, take_int
from subbit.sw.ir.types import TensorType

__all__ = ["AvgPool2d", "sum_type"]

KERNELS = range(2, 9)
STRIDES = range(1, 9)


def sum_type(x: TensorType, count: int, height: int, width: int) -> TensorType:
    """The type of sums of ``count`` values of ``x`` each, on a map of ``height`` x ``width``."""
    low, high = x.value_range
    return TensorType.integers(height, width, x.channels, count * low, count * high)


@dataclass(frozen=True)
class AvgPool2d(Layer):
    """The sum of each ``kernel`` x ``kernel`` window, ``stride`` apart; the mean times
    ``kernel**2``.

    There is no division: whoever exports multiplies the next thresholds (or scales) by
    ``kernel**2``. Without a stride the windows lie side by side. Rows and columns that complete no
    window are dropped. Input: codes, whose values are summed, or integers ``(H, W, C)``, at least
    ``kernel`` on each side. Output: integers ``((H - kernel) // stride + 1, ..., C)``.
    """

    kind: ClassVar[str] = "avgpool2d"
    kernel: int
    stride: int = 0

    def __post_init__(self) -> None:
        if type(self.kernel) is not int or self.kernel not in KERNELS:
            raise NetworkError(f"average pooling has a kernel of 2 to 8, not {quote(self.kernel)}")
        object.__setattr__(self, "stride", self.stride or self.kernel)
        if type(self.stride) is not int or self.stride not in STRIDES:
            raise NetworkError(f"average pooling has a stride of 1 to 8, not {quote(self.stride)}")

    def infer(self, inputs: tuple[TensorType, ...]) -> TensorType:
        """Integers in the range of ``kernel**2`` values of the input."""
        x = only_input(inputs)
        height, width = ((side - self.kernel) // self.stride + 1 for side in (x.height, x.width))
        if min(height, width) < 1:
            raise NetworkError(
                f"{self.kernel}x{self.kernel} average pooling does not fit an input of "
                f"{x.height}x{x.width}"
            )
        return sum_type(x, self.kernel**2, height, width)

    def attributes(self) -> dict[str, Any]:
        """Kernel and stride."""
        return {"kernel": self.kernel, "stride": self.stride}

    @classmethod
    def from_parts(cls, attributes: dict[str, Any], tensors: dict[str, NDArray[Any]]) -> Self:
        """See Parts."""
        kernel = take_int(attributes, "kernel", KERNELS[0], KERNELS[-1])
        stride = take_int(attributes, "stride", STRIDES[0], STRIDES[-1])
        no_more(attributes, tensors)
        return cls(kernel, stride)
