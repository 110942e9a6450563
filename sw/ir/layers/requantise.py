"""Integers of one scale as integers of another: multiplier, shift, rounding and limits."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from subbit.sw.errors import NetworkError, quote
from subbit.sw.ir.arrays import Ints, as_ints
from subbit.sw.ir.layer import Layer
from subbit.sw.ir.parts import no_more, only_input, take_array, take_int
from subbit.sw.ir.types import MAX_INTEGER_BITS, TensorType

__all__ = ["Requantise"]

SCALE_LIMIT = 1 << 17
OFFSET_LIMIT = 1 << 46
MAX_SHIFT = 46
LIMIT = 1 << 31


@dataclass(frozen=True, eq=False)
class Requantise(Layer):
    """``y = min(max((scale[c][k] * x[c] + offset[c][k]) >> shift, low), high)``, in integers; the
    shift rounds down.

    ``scale``: ``(channels, lines)`` within +-2**17, ``offset``: of the same shape within +-2**46.
    With one line k is 0. With two, k is 0 where ``x[c] >= knee[c]`` and 1 below: leaky and
    parametric ReLU, with biases in front and behind, are such lines. ``knee``: ``(channels,)``
    within +-2**46, zeros unless there are two lines. ``shift``: 0 to 46. An offset that holds
    ``2**(shift - 1)`` rounds to the nearest. ``low``, ``high``: -2**31 to 2**31; a ``low`` of 0 is
    a ReLU. Input and output: integers ``(H, W, channels)``.
    """

    kind: ClassVar[str] = "requantise"
    scale: Ints
    offset: Ints
    knee: Ints
    shift: int
    low: int
    high: int

    def __post_init__(self) -> None:
        shape = np.asarray(self.scale).shape
        if len(shape) != 2 or not shape[0] or shape[1] not in (1, 2):
            raise NetworkError(f"requantise scale must have shape (channels, 1 or 2), not {shape}")
        rows = (
            ("scale", shape, SCALE_LIMIT),
            ("offset", shape, OFFSET_LIMIT),
            ("knee", shape[:1], OFFSET_LIMIT),
        )
        for name, wanted, limit in rows:
            numbers = as_ints(f"requantise {name}", getattr(self, name), wanted, -limit, limit - 1)
            object.__setattr__(self, name, numbers)
        if shape[1] == 1 and self.knee.any():
            raise NetworkError("requantise has knees for a single line; make them 0")
        for name, least, most in (
            ("shift", 0, MAX_SHIFT),
            ("low", -LIMIT, LIMIT),
            ("high", -LIMIT, LIMIT),
        ):
            number = getattr(self, name)
            if type(number) is not int or not least <= number <= most:
                raise NetworkError(
                    f"requantise {name} must be an integer in {least}..{most}, not {quote(number)}"
                )
        if self.low > self.high:
            raise NetworkError(f"requantise needs low <= high, not {self.low} > {self.high}")

    @property
    def channels(self) -> int:
        """Number of channels."""
        return len(self.scale)

    @property
    def lines(self) -> int:
        """1, or 2 with a knee between them."""
        return int(self.scale.shape[1])

    def apply(self, x: Ints) -> Ints:
        """The layer on values ``(.., channels)``."""
        chosen = np.where(x < self.knee, self.lines - 1, 0)
        places = np.arange(self.channels)
        sums = self.scale[places, chosen] * x + self.offset[places, chosen]
        limited: Ints = np.clip(sums >> self.shift, self.low, self.high)
        return limited

    def sums(self, low: int, high: int) -> tuple[int, int]:
        """The least and the greatest sum before the shift, for inputs in ``low..high``."""
        found: list[int] = []
        for channel, knee in enumerate(self.knee.tolist()):
            spans = [(low, high)]
            if self.lines == 2:
                spans = [(max(low, knee), high), (low, min(high, knee - 1))]
            for line, span in enumerate(spans):
                if span[0] <= span[1]:
                    scale, offset = int(self.scale[channel, line]), int(self.offset[channel, line])
                    found += [scale * end + offset for end in span]
        return min(found), max(found)

    def infer(self, inputs: tuple[TensorType, ...]) -> TensorType:
        """Integers in the range that the lines reach within the limits."""
        x = only_input(inputs)
        if x.is_code:
            raise NetworkError(f"a requantise layer takes integers, not {x}")
        if x.channels != self.channels:
            raise NetworkError(f"there are scales for {self.channels} channels, not {x.channels}")
        sums = self.sums(x.low, x.high)
        TensorType.integers(*x.shape, *sums)  # refuses what has more bits than integers may have
        reach = max(abs(int(self.scale.min())), abs(int(self.scale.max()))) * max(-x.low, x.high)
        if reach.bit_length() >= MAX_INTEGER_BITS:
            raise NetworkError(
                f"{x} times a scale needs more than {MAX_INTEGER_BITS} bits; make the scales less"
            )
        low, high = (min(max(end >> self.shift, self.low), self.high) for end in sums)
        return TensorType.integers(*x.shape, low, high)

    def attributes(self) -> dict[str, Any]:
        """The shift and both limits."""
        return {"shift": self.shift, "low": self.low, "high": self.high}

    def tensors(self) -> dict[str, NDArray[Any]]:
        """``scale``, ``offset`` and, between two lines, ``knee`` (int64)."""
        arrays: dict[str, NDArray[Any]] = {"scale": self.scale, "offset": self.offset}
        return arrays | ({"knee": self.knee} if self.lines == 2 else {})

    @classmethod
    def from_parts(cls, attributes: dict[str, Any], tensors: dict[str, NDArray[Any]]) -> Self:
        """See Parts."""
        shift = take_int(attributes, "shift", 0, MAX_SHIFT)
        low, high = (take_int(attributes, name, -LIMIT, LIMIT) for name in ("low", "high"))
        scale, offset = take_array(tensors, "scale"), take_array(tensors, "offset")
        knee = np.zeros(scale.shape[:1], np.int64)
        if scale.ndim == 2 and scale.shape[1] == 2:
            knee = take_array(tensors, "knee")
        no_more(attributes, tensors)
        return cls(scale, offset, knee, shift, low, high)
