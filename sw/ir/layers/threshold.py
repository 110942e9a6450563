"""Threshold activation: BatchNorm and quantiser folded into integer comparisons."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from subbit.sw.errors import NetworkError, quote
from subbit.sw.ir.arrays import Bits, Ints, as_bits, as_ints
from subbit.sw.ir.layer import Layer
from subbit.sw.ir.parts import no_more, only_input, take_array, take_text
from subbit.sw.ir.types import Encoding, TensorType

__all__ = ["Threshold"]

LIMIT = 1 << 47
CODES = (Encoding.BIPOLAR, Encoding.UNSIGNED)


@dataclass(frozen=True, eq=False, repr=False)
class Threshold(Layer):
    """With ``n`` the number of ``thresholds[c] <= x``: ``n`` where rising, else ``levels - n``.

    ``thresholds``: ``(channels, 2**M - 1)``, ascending in each channel; ``rising``: bits
    ``(channels,)``. Input: integers ``(H, W, channels)``. Output: M-bit codes of the same shape,
    M from 1 to 8, which stand for what ``encoding`` says: bipolar, or unsigned for activations
    from 0 up. Bipolar with M = 1 this is ``sign(x - threshold)`` with sign(0) = +1, flipped where
    not rising.
    """

    kind: ClassVar[str] = "threshold"
    thresholds: Ints
    rising: Bits
    encoding: Encoding = Encoding.BIPOLAR

    def __post_init__(self) -> None:
        channels, levels = (*np.shape(self.thresholds), 0, 0)[:2]
        if np.ndim(self.thresholds) != 2 or levels not in {(1 << bits) - 1 for bits in range(1, 9)}:
            raise NetworkError(
                "thresholds are (channels, 2**M - 1) with M from 1 to 8, "
                f"not of shape {np.shape(self.thresholds)}"
            )
        thresholds = as_ints("thresholds", self.thresholds, (channels, levels), -LIMIT, LIMIT)
        unsorted = np.flatnonzero((np.diff(thresholds, axis=1) < 0).any(axis=1))
        if unsorted.size:
            raise NetworkError(
                f"the thresholds of channel {unsorted[0]} are not in ascending order"
            )
        if self.encoding not in CODES:
            raise NetworkError(
                f"the codes of a threshold are {' or '.join(CODES)}, not {quote(self.encoding)}"
            )
        object.__setattr__(self, "encoding", Encoding(self.encoding))
        object.__setattr__(self, "thresholds", thresholds)
        object.__setattr__(self, "rising", as_bits("rising", self.rising, (channels,)))

    @property
    def levels(self) -> int:
        """Thresholds per channel, 2**M - 1."""
        return int(self.thresholds.shape[1])

    @property
    def bits(self) -> int:
        """M, the width of the code."""
        return self.levels.bit_length()

    def infer(self, inputs: tuple[TensorType, ...]) -> TensorType:
        """M-bit codes in the input's shape."""
        x = only_input(inputs)
        if x.is_code:
            raise NetworkError(f"a threshold takes integers, not {x}")
        if x.channels != len(self.thresholds):
            raise NetworkError(
                f"there are thresholds for {len(self.thresholds)} channels, not {x.channels}"
            )
        return TensorType.codes(x.height, x.width, x.channels, self.bits, self.encoding)

    def attributes(self) -> dict[str, Any]:
        """``encoding`` where the codes are not bipolar."""
        return {} if self.encoding is Encoding.BIPOLAR else {"encoding": str(self.encoding)}

    def tensors(self) -> dict[str, NDArray[Any]]:
        """``thresholds`` (int64) and ``rising`` (uint8)."""
        return {"thresholds": self.thresholds, "rising": self.rising}

    @classmethod
    def from_parts(cls, attributes: dict[str, Any], tensors: dict[str, NDArray[Any]]) -> Self:
        """See Parts."""
        thresholds, rising = take_array(tensors, "thresholds"), take_array(tensors, "rising")
        encoding = Encoding.BIPOLAR
        if "encoding" in attributes:
            encoding = Encoding(take_text(attributes, "encoding", CODES))
        no_more(attributes, tensors)
        return cls(thresholds, rising, encoding)
