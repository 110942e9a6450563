"""Sums of values in the domain of stored numbers."""

from dataclasses import dataclass

from subbit.hw.contract.blocks import CHAINED, adder_cost, luts, registers
from subbit.hw.contract.cost import Cost
from subbit.hw.contract.unit import Lanes
from subbit.sw.ir.types import Encoding, TensorType, signed_bits

__all__ = ["SumTree", "Sums", "accumulators_cost"]

TABLE = 4  # single bits whose number is a table


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

    @property
    def start_cost(self) -> Cost:
        """What adds ``start``, if it is not 0, to a number; its lowest zeros change nothing."""
        bits = self.bits - (self.start & -self.start).bit_length() + 1
        return luts(adder_cost(bits).lut4 if bits >= CHAINED else bits, self.bits)

    @property
    def kept_bits(self) -> int:
        """Bits of a sum in a register: the bit below a doubled one never changes."""
        return self.output(1).bits - self.doubled

    @property
    def end_cost(self) -> Cost:
        """The output register of a sum that a tree has made, behind the addition of ``start``."""
        if not self.start:
            return registers(self.kept_bits)
        return self.start_cost + Cost(flip_flops=self.kept_bits)

    def output(self, lanes: int) -> Lanes:
        """The stream of sums."""
        low, high = self.input.value_range
        return Lanes(lanes, signed_bits(self.count * low, self.count * high), signed=True)


@dataclass(frozen=True)
class SumTree:
    """The sum of ``count`` stored numbers of ``input`` that come at once: by twos, single bits at
    first by fours, with a register behind every addition.

    Its circuit, ``add_tree``, is a register on the way of a stream for each of ``stages``. Latency:
    as many cycles as there are stages. Interval: a beat a cycle.
    """

    input: TensorType
    count: int

    @property
    def single(self) -> bool:
        """Whether the numbers are single bits that stand for themselves."""
        return self.input.bits == 1 and not self.input.signed

    @property
    def stages(self) -> list[list[tuple[int, ...]]]:
        """For each stage its sums, and for each of these how many numbers are in every summand."""
        sums, found = [1] * self.count, list[list[tuple[int, ...]]]()
        while not found or len(sums) > 1:
            group = TABLE if self.single and not found else 2
            found.append([tuple(sums[k : k + group]) for k in range(0, len(sums), group)])
            sums = [sum(summands) for summands in found[-1]]
        return found

    def bits(self, numbers: int) -> int:
        """Bits of the sum of so many numbers, signed where these are."""
        low, high = numbers * self.input.low, numbers * self.input.high
        return signed_bits(low, high) if self.input.signed else high.bit_length()

    @property
    def output(self) -> Lanes:
        """One whole sum."""
        return Lanes(1, self.bits(self.count), self.input.signed)

    def cost(self, lanes: int) -> Cost:
        """Of as many trees, side by side."""
        one = Cost()
        for stage, sums in enumerate(self.stages):
            for summands in sums:
                bits = self.bits(sum(summands))
                if len(summands) == 1:
                    one += registers(bits)
                else:
                    adder = luts(bits) if self.single and not stage else adder_cost(bits)
                    one += adder + Cost(flip_flops=bits)
        return one * lanes + (luts(2) + Cost(flip_flops=1)) * len(self.stages)


def accumulators_cost(lanes: int, bits: int, slots: int) -> Cost:
    """For each lane ``slots`` adders of ``bits`` bits, each behind a choice of what is added to,
    and the choice among their sums; what keeps the sums is not counted.
    """
    one = adder_cost(bits) + luts(bits)
    if bits < CHAINED:  # logic that takes in half of the choice
        one = luts(7 * bits // 4, 2 * bits)
    return (one * slots + luts(bits * (slots - 1))) * lanes
