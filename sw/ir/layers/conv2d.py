"""2-D convolution with binary, codebook or tiled weights, or several bit planes of such."""

from dataclasses import dataclass
from typing import ClassVar

from subbit.sw.errors import NetworkError
from subbit.sw.ir.layers.convolution import Convolution, Padding

__all__ = ["Conv2d", "Padding"]

KERNELS = (1, 3, 5)


@dataclass(frozen=True)
class Conv2d(Convolution):
    """``y[o] = sum over c, i, j of w[o,c,i,j] * x[c, s*row + i - above, s*col + j - left]``.

    ``weights``: shape ``(out, in, k, k)``, k one of 1, 3, 5; ``stride`` s: 1 or 2; ``padding`` and
    ``pads``: see Padding and Convolution. Input: codes ``(H, W, in)``, of which the values enter
    the sum, or integers of at most 24 bits. Output: integers ``(H', W', out)`` with
    ``H' = (H + above + below - k) // stride + 1``.
    """

    kind: ClassVar[str] = "conv2d"

    def __post_init__(self) -> None:
        if len(self.weights.shape) != 4 or self.kernel not in KERNELS:
            raise NetworkError(
                "a convolution has weights (out, in, k, k) with k one of 1, 3, 5, "
                f"not {self.weights.shape}"
            )
        super().__post_init__()
        if self.kernel == 1 and self.padding is not Padding.NONE:
            raise NetworkError("a 1x1 convolution has no padding")
