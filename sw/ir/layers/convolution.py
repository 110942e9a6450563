"""What convolutions have in common: square kernels with a stride and a padding."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from numpy.typing import NDArray

from subbit.sw.errors import NetworkError, quote
from subbit.sw.ir.layer import Layer
from subbit.sw.ir.layers.linear import check_width, dot_type
from subbit.sw.ir.parts import only_input, take_int, take_text
from subbit.sw.ir.types import Encoding, TensorType
from subbit.sw.ir.weights import Weights, weights_from_parts

__all__ = ["Convolution", "Padding"]

STRIDES = (1, 2)


def take_pads(attributes: dict[str, Any]) -> Any:
    """Remove and return the attribute ``pads``, which must be a list of four; None without it."""
    if "pads" not in attributes:
        return None
    pads = attributes.pop("pads")
    if not isinstance(pads, list) or len(pads) != 4:
        raise NetworkError(
            "attribute 'pads' must be a list of four integers, those above, left, below and "
            f"right, not {quote(pads)}"
        )
    return tuple(pads)


class Padding(StrEnum):
    """What surrounds the input: nothing, or up to ``kernel // 2`` elements on each side.

    They stand for 0, which contributes nothing to a dot product, or for -1 or +1: the least or the
    greatest code of a bipolar tensor.
    """

    NONE = "none"
    ZERO = "zero"
    MINUS = "minus"
    PLUS = "plus"


@dataclass(frozen=True)
class Convolution(Layer):
    """Base: dot products of codes ``(H, W, channels)``, or of integers of at most 24 bits, with
    kernels that move over them.

    ``weights``: shape ``(outputs, inputs of one output, k, k)``; ``stride`` s: 1 or 2; ``padding``:
    see Padding; ``pads``: elements of padding above, left of, below and right of the input, 0 to
    ``k // 2`` each, by default ``k // 2``. Output: integers ``(H', W', outputs)``,
    ``H' = (H + above + below - k) // stride + 1``.
    """

    weights: Weights
    stride: int = 1
    padding: Padding = Padding.NONE
    pads: tuple[int, int, int, int] | None = None

    def __post_init__(self) -> None:
        if self.stride not in STRIDES:
            raise NetworkError(f"the stride of a convolution is 1 or 2, not {self.stride}")
        if self.padding not in tuple(Padding):
            raise NetworkError(
                f"the padding of a convolution is one of {', '.join(Padding)}, "
                f"not {quote(self.padding)}"
            )
        object.__setattr__(self, "padding", Padding(self.padding))
        usual, pads = self.usual_margins, self.margins
        most = max(usual)
        if len(pads) != 4 or any(type(pad) is not int or not 0 <= pad <= most for pad in pads):
            raise NetworkError(
                f"padding {self.padding} of a {self.kernel}x{self.kernel} kernel adds 0 to {most} "
                f"elements above, left, below and right, not {quote(self.pads)}"
            )
        if usual != pads and not any(pads):
            raise NetworkError(f"padding {self.padding} without any elements; its name is none")
        object.__setattr__(self, "pads", None if pads == usual else pads)

    @property
    def channels(self) -> int:
        """Channels of the input."""
        return self.weights.shape[1]

    @property
    def kernel(self) -> int:
        """Side of the kernel."""
        return self.weights.shape[2]

    @property
    def margins(self) -> tuple[int, int, int, int]:
        """Elements of padding above, left of, below and right of the input."""
        return self.usual_margins if self.pads is None else self.pads

    @property
    def usual_margins(self) -> tuple[int, int, int, int]:
        """Those where ``pads`` says nothing."""
        return (0 if self.padding is Padding.NONE else self.kernel // 2,) * 4

    def infer(self, inputs: tuple[TensorType, ...]) -> TensorType:
        """Integers in the range that the weights' scales and the input's values allow."""
        x = only_input(inputs)
        check_width(x)
        if x.channels != self.channels:
            raise NetworkError(
                f"the weights {self.weights.shape} want {self.channels} input channels, "
                f"not {x.channels}"
            )
        if x.encoding is not Encoding.BIPOLAR and self.padding in (Padding.MINUS, Padding.PLUS):
            raise NetworkError(
                "padding with -1 or +1 needs bipolar inputs; use zero padding for unsigned ones"
            )
        above, left, below, right = self.margins
        height, width = (
            (side - self.kernel) // self.stride + 1
            for side in (x.height + above + below, x.width + left + right)
        )
        if min(height, width) < 1:
            raise NetworkError(
                f"a {self.kernel}x{self.kernel} kernel does not fit "
                f"an input of {x.height}x{x.width}"
            )
        return dot_type(self.weights, x, height, width)

    def attributes(self) -> dict[str, Any]:
        """Stride, padding, ``pads`` unless they are the usual ones, and the attributes of the
        weights.
        """
        pads = {} if self.pads is None else {"pads": list(self.pads)}
        return {
            "stride": self.stride,
            "padding": str(self.padding),
            **pads,
            "weights": self.weights.encoding,
            **self.weights.attributes(),
        }

    def tensors(self) -> dict[str, NDArray[Any]]:
        """The arrays of the weights."""
        return self.weights.tensors()

    @classmethod
    def from_parts(cls, attributes: dict[str, Any], tensors: dict[str, NDArray[Any]]) -> Self:
        """See Parts."""
        stride = take_int(attributes, "stride", min(STRIDES), max(STRIDES))
        padding = Padding(take_text(attributes, "padding", tuple(Padding)))
        pads = take_pads(attributes)
        encoding = str(attributes.pop("weights", None))
        return cls(weights_from_parts(encoding, attributes, tensors), stride, padding, pads)

    @property
    def weight_count(self) -> int:
        """Number of weights."""
        return self.weights.count

    @property
    def weight_bits(self) -> int:
        """Bits that the hardware stores for the weights."""
        return self.weights.stored_bits
