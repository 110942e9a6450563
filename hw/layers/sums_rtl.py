"""Accumulators of some lanes in a delay line."""

from collections.abc import Sequence

from amaranth.hdl import Cat, Const, Mux, Value
from amaranth.lib import data

from subbit.hw.layers.sums import Sums
from subbit.hw.streams.delay_rtl import DelayLine

__all__ = ["accumulated", "outputs"]


def accumulated(
    delay: DelayLine, x: data.View, first: Value, bits: int, start: int = 0
) -> list[Value]:
    """Each lane of ``x`` added to what ``delay`` holds of it, or at ``first`` to ``start``:
    numbers of ``bits`` bits that the caller writes back.
    """
    sums: list[Value] = []
    for lane in range(len(x)):
        held = delay.q[lane * bits : (lane + 1) * bits].as_signed()
        sums.append((Mux(first, start, held) + x[lane])[:bits].as_signed())
    return sums


def outputs(sums: Sums, numbers: Sequence[Value]) -> Value:
    """The sums of values that finished accumulators stand for, side by side."""
    below = [Const(sums.odd, 1)] if sums.doubled else []
    bits = sums.output(1).bits
    return Cat(*(Cat(*below, number).as_signed()[:bits] for number in numbers))
