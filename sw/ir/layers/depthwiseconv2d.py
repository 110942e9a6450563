"""2-D depthwise convolution: one kernel a channel."""

from dataclasses import dataclass
from typing import ClassVar

from subbit.sw.errors import NetworkError
from subbit.sw.ir.layers.convolution import Convolution
from subbit.sw.ir.parts import only_input
from subbit.sw.ir.types import TensorType

__all__ = ["DepthwiseConv2d"]

ENCODINGS = ("binary", "planes")


@dataclass(frozen=True)
class DepthwiseConv2d(Convolution):
    """``y[c] = sum over i, j of w[c,0,i,j] * x[c, sy*row + dy*i - above, sx*col + dx*j - left]``.

    ``weights``: shape ``(channels, 1, kh, kw)``, binary or in bit planes; ``stride`` (sy, sx),
    ``dilation`` (dy, dx), ``padding`` and ``pads``: see Convolution. Input: codes ``(H, W,
    channels)``. Output: integers ``(H', W', channels)``.
    """

    kind: ClassVar[str] = "depthwiseconv2d"

    def __post_init__(self) -> None:
        shape = self.weights.shape
        if len(shape) != 4 or shape[1] != 1:
            raise NetworkError(
                f"a depthwise convolution has weights (channels, 1, rows, columns), not {shape}"
            )
        if self.weights.encoding not in ENCODINGS:
            raise NetworkError(
                f"the weights of a depthwise convolution are {' or '.join(ENCODINGS)}, "
                f"not {self.weights.encoding}"
            )
        super().__post_init__()

    def infer(self, inputs: tuple[TensorType, ...]) -> TensorType:
        """Integers in the range that the weights' scales and the input's codes allow."""
        x = only_input(inputs)
        if not x.is_code:
            raise NetworkError(
                f"a depthwise convolution takes codes, not {x}; put a threshold before it"
            )
        return super().infer(inputs)

    @property
    def channels(self) -> int:
        """Channels of the input, and of the output."""
        return self.weights.shape[0]
