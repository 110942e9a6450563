"""2-D convolution with binary, codebook or tiled weights, or several bit planes of such."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

from numpy.typing import NDArray

from subbit.sw.errors import NetworkError, quote
from subbit.sw.ir.layers.convolution import Convolution, Padding
from subbit.sw.ir.parts import take_int
from subbit.sw.ir.weights import MAX_SIDE

__all__ = ["Conv2d", "Padding"]


@dataclass(frozen=True)
class Conv2d(Convolution):
    """``y[o] = sum over c, i, j of w[o,c,i,j] * x[c, sy*row + dy*i - above, sx*col + dx*j - left]``

    ``weights``: shape ``(out, in, kh, kw)``; ``stride`` (sy, sx), ``dilation`` (dy, dx),
    ``padding`` and ``pads``: see Convolution. ``groups``, a divisor of ``out``: that many
    convolutions side by side, each of a part of the channels: outputs ``g * out/groups`` and on
    read the channels ``g * in`` and on. Input: codes ``(H, W, groups * in)``, of which the values
    enter the sum, or integers of at most 24 bits. Output: integers ``(H', W', out)``.

    Raises NetworkError for numbers that do not fit.
    """

    kind: ClassVar[str] = "conv2d"
    groups: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        outputs = self.weights.shape[0]
        if type(self.groups) is not int or self.groups < 1 or outputs % self.groups:
            raise NetworkError(
                f"the groups of a convolution divide its {outputs} outputs, and "
                f"{quote(self.groups)} does not"
            )

    @property
    def channels(self) -> int:
        """Channels of the input, of all groups."""
        return self.weights.shape[1] * self.groups

    def attributes(self) -> dict[str, Any]:
        """See Convolution; ``groups`` unless it is 1."""
        groups = {} if self.groups == 1 else {"groups": self.groups}
        return {**super().attributes(), **groups}

    @classmethod
    def from_parts(cls, attributes: dict[str, Any], tensors: dict[str, NDArray[Any]]) -> Self:
        """See Parts."""
        groups = take_int(attributes, "groups", 1, MAX_SIDE) if "groups" in attributes else 1
        return replace(super().from_parts(attributes, tensors), groups=groups)
