"""2-D depthwise convolution: one kernel a channel."""

from dataclasses import dataclass
from typing import ClassVar

from subbit.sw.errors import NetworkError
from subbit.sw.ir.layers.convolution import Convolution

__all__ = ["DepthwiseConv2d"]

KERNELS = (3, 5)
ENCODINGS = ("binary", "planes")


@dataclass(frozen=True)
class DepthwiseConv2d(Convolution):
    """``y[c] = sum over i, j of w[c,0,i,j] * x[c, s*row + i - pad, s*col + j - pad]``.

    ``weights``: shape ``(channels, 1, k, k)``, k 3 or 5, binary or in bit planes; ``stride`` s: 1
    or 2; ``padding``: see Padding. Input: codes ``(H, W, channels)``. Output: integers ``(H', W',
    channels)`` with ``H' = (H + 2*pad - k) // stride + 1``.
    """

    kind: ClassVar[str] = "depthwiseconv2d"

    def __post_init__(self) -> None:
        shape = self.weights.shape
        if len(shape) != 4 or shape[1] != 1 or shape[2] not in KERNELS:
            raise NetworkError(
                "a depthwise convolution has weights (channels, 1, k, k) with k 3 or 5, "
                f"not {shape}"
            )
        if self.weights.encoding not in ENCODINGS:
            raise NetworkError(
                f"the weights of a depthwise convolution are {' or '.join(ENCODINGS)}, "
                f"not {self.weights.encoding}"
            )
        super().__post_init__()

    @property
    def channels(self) -> int:
        """Channels of the input, and of the output."""
        return self.weights.shape[0]
