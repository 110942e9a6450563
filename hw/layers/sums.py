"""Sums of values in the domain of stored numbers."""

from dataclasses import dataclass

from subbit.hw.contract.unit import Lanes
from subbit.sw.ir.types import Encoding, TensorType, signed_bits

__all__ = ["Sums"]


@dataclass(frozen=True)
class Sums:
    """The sum of ``count`` values of ``input``, accumulated as the stored numbers u.

    The sum of bipolar codes ``2u - high`` is ``2 * (sum of u) - count * high``: an accumulator that
    starts at ``start``, half of that constant rounded down, gives it with ``odd`` put below as
    another bit. Other numbers stand for themselves: ``start`` and ``odd`` are 0.
    """

    input: TensorType
    count: int

    @property
    def doubled(self) -> bool:
        """Whether the sum is twice the accumulator, plus ``odd``."""
        return self.input.encoding is Encoding.BIPOLAR

    @property
    def constant(self) -> int:
        """What is taken off twice the sum of codes."""
        return self.count * self.input.high if self.doubled else 0

    @property
    def start(self) -> int:
        """What the accumulator starts with."""
        return -((self.constant + 1) // 2)

    @property
    def odd(self) -> int:
        """The bit below the accumulator, of a doubled sum."""
        return self.constant % 2

    @property
    def bits(self) -> int:
        """Bits of the accumulator, two's complement, at every time."""
        low, high = (self.count * end for end in (self.input.low, self.input.high))
        return signed_bits(min(low, 0) + self.start, max(high, 0) + self.start)

    def output(self, lanes: int) -> Lanes:
        """The stream of sums."""
        low, high = self.input.value_range
        return Lanes(lanes, signed_bits(self.count * low, self.count * high), signed=True)
