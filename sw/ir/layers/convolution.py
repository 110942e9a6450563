"""What convolutions have in common: kernels that move over a map with a padding."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from numpy.typing import NDArray

from subbit.sw.errors import NetworkError, quote
from subbit.sw.ir.layer import Layer
from subbit.sw.ir.layers.linear import check_width, dot_type
from subbit.sw.ir.parts import only_input, take_text
from subbit.sw.ir.types import Encoding, TensorType
from subbit.sw.ir.weights import Weights, weights_from_parts
from subbit.sw.ir.window import (
    NO_PADS,
    Pads,
    Side,
    Window,
    as_pair,
    as_side,
    take_pads,
    take_side,
    written,
)

__all__ = ["MAX_DILATION", "MAX_KERNEL", "MAX_STRIDE", "Convolution", "Padding"]

MAX_KERNEL = 11
MAX_STRIDE = 4
MAX_DILATION = 4


class Padding(StrEnum):
    """What surrounds the input: nothing, or some elements on each side.

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

    ``weights``: shape ``(outputs, inputs of one output, kh, kw)``, kernels of 1 to 11 rows and
    columns; ``stride``: 1 to 4, and ``dilation``, the distance of a kernel's elements: 1 to 4, each
    one number or two, of height and width; ``padding``: see Padding; ``pads``: elements of padding
    above, left of, below and right of the input, each less than the kernel reaches there (``reach =
    (k - 1) * dilation + 1``), by default ``reach // 2``. Output: integers ``(H', W', outputs)``,
    ``H' = (H + above + below - reach) // stride + 1``.

    Raises NetworkError for other numbers.
    """

    weights: Weights
    stride: Side = 1
    padding: Padding = Padding.NONE
    pads: Pads | None = None
    dilation: Side = 1

    def __post_init__(self) -> None:
        if len(self.weights.shape) != 4 or max(self.weights.shape[2:]) > MAX_KERNEL:
            raise NetworkError(
                f"a convolution has weights (out, in, rows, columns) with kernels of 1 to "
                f"{MAX_KERNEL} rows and columns, not {self.weights.shape}"
            )
        for name, high in (("stride", MAX_STRIDE), ("dilation", MAX_DILATION)):
            side = as_side(f"the {name} of a convolution", getattr(self, name), 1, high)
            object.__setattr__(self, name, side)
        object.__setattr__(self, "dilation", self.effective_dilation())
        if self.padding not in tuple(Padding):
            raise NetworkError(
                f"the padding of a convolution is one of {', '.join(Padding)}, "
                f"not {quote(self.padding)}"
            )
        object.__setattr__(self, "padding", Padding(self.padding))
        if self.weights.shape[2:] == (1, 1) and self.padding is not Padding.NONE:
            raise NetworkError("a 1x1 convolution has no padding")
        self.check_pads()
        usual = self.usual_pads
        object.__setattr__(self, "pads", None if self.window.pads == usual else self.pads)

    def effective_dilation(self) -> Side:
        """``dilation``, 1 along a side of the kernel that has one element alone."""
        pairs = zip(as_pair(self.dilation), self.weights.shape[2:], strict=True)
        down, across = (step if side > 1 else 1 for step, side in pairs)
        return down if down == across else (down, across)

    def check_pads(self) -> None:
        """Raise NetworkError where ``pads`` are more than the kernel reaches, or none at all."""
        bare, pads = self.bare_window, self.window.pads
        most = NO_PADS if self.padding is Padding.NONE else bare.most_pads
        fits = len(pads) == 4 and all(type(pad) is int for pad in pads)
        if not fits or not all(0 <= p <= m for p, m in zip(pads, most, strict=True)):
            raise NetworkError(
                f"padding {self.padding} of a {bare.name} kernel adds 0 to {most[0]} elements "
                f"above and below, 0 to {most[1]} left and right, not {quote(self.pads)} "
                "(above, left, below, right)"
            )
        if self.padding is not Padding.NONE and not any(pads):
            raise NetworkError(f"padding {self.padding} without any elements; its name is none")

    @property
    def channels(self) -> int:
        """Channels of the input."""
        return self.weights.shape[1]

    @property
    def bare_window(self) -> Window:
        """How its kernels move, without padding."""
        rows, columns = self.weights.shape[2:]
        return Window((rows, columns), as_pair(self.stride), as_pair(self.dilation))

    @property
    def window(self) -> Window:
        """How its kernels move, with the padding around the map."""
        bare, pads = self.bare_window, self.usual_pads if self.pads is None else self.pads
        return Window(bare.kernel, bare.strides, bare.dilations, pads)

    @property
    def usual_pads(self) -> Pads:
        """Those where ``pads`` says nothing."""
        return NO_PADS if self.padding is Padding.NONE else self.bare_window.usual_pads

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
        height, width = self.window.outputs(x.height, x.width)
        if min(height, width) < 1:
            raise NetworkError(
                f"a {self.window.name} kernel does not fit an input of {x.height}x{x.width}"
            )
        return dot_type(self.weights, x, height, width)

    def attributes(self) -> dict[str, Any]:
        """Stride, padding, ``pads`` unless they are the usual ones, ``dilation`` unless it is 1,
        and the attributes of the weights.
        """
        pads = {} if self.pads is None else {"pads": list(self.pads)}
        dilation = {} if self.dilation == 1 else {"dilation": written(self.dilation)}
        return {
            "stride": written(self.stride),
            "padding": str(self.padding),
            **pads,
            **dilation,
            "weights": self.weights.encoding,
            **self.weights.attributes(),
        }

    def tensors(self) -> dict[str, NDArray[Any]]:
        """The arrays of the weights."""
        return self.weights.tensors()

    @classmethod
    def from_parts(cls, attributes: dict[str, Any], tensors: dict[str, NDArray[Any]]) -> Self:
        """See Parts."""
        stride = take_side(attributes, "stride", 1, MAX_STRIDE)
        padding = Padding(take_text(attributes, "padding", tuple(Padding)))
        pads = take_pads(attributes)
        dilation = take_side(attributes, "dilation", 1, MAX_DILATION, default=1)
        encoding = str(attributes.pop("weights", None))
        weights = weights_from_parts(encoding, attributes, tensors)
        return cls(weights, stride, padding, pads, dilation)

    @property
    def weight_count(self) -> int:
        """Number of weights."""
        return self.weights.count

    @property
    def weight_bits(self) -> int:
        """Bits that the hardware stores for the weights."""
        return self.weights.stored_bits
