"""Sums of numbers that come one after another, in a delay line, or at once, in a tree."""

from collections.abc import Sequence

from amaranth.hdl import Cat, Const, Module, Mux, Value
from amaranth.lib import data

from subbit.hw.layers.sums import Sums, SumTree
from subbit.hw.streams.delay_rtl import DelayLine
from subbit.hw.streams.registers_rtl import Stage
from subbit.hw.streams.sequence_rtl import lookup

__all__ = ["accumulated", "add_tree", "outputs", "pixels_of"]


def accumulated(
    delay: DelayLine, x: data.View | Sequence[Value], first: Value, bits: int, start: int = 0
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


def pixels_of(payload: data.View, channels: int) -> list[list[Value]]:
    """The elements of each pixel of a beat of whole pixels."""
    elements = [Value.cast(payload[at]) for at in range(len(payload))]
    return [elements[at : at + channels] for at in range(0, len(elements), channels)]


def add_tree(
    m: Module, tree: SumTree, numbers: Sequence[Sequence[Value]], stage: Stage
) -> tuple[list[Value], Stage]:
    """The sum of each of some rows of ``tree.count`` numbers, and the last register of their way;
    ``stage``: the first one, whose ``valid`` and ``ready`` are those of the numbers' beats.
    """
    rows = [list(row) for row in numbers]
    for level, sums in enumerate(tree.stages):
        if level:
            stage = Stage(m, stage.valid, stage.ready)
        for row in rows:
            parts = iter(row)
            summands = [[next(parts) for _ in group] for group in sums]
            counted = tree.single and not level
            row[:] = [
                stage.kept(counted_ones(some) if counted else sum_of(some)) for some in summands
            ]
    return [row[0] for row in rows], stage


def sum_of(numbers: Sequence[Value]) -> Value:
    """One number, or the sum of two."""
    return numbers[0] + numbers[1] if len(numbers) > 1 else numbers[0]


def counted_ones(bits: Sequence[Value]) -> Value:
    """How many of a few bits are ones, each bit of it a table."""
    counts = [k.bit_count() for k in range(1 << len(bits))]
    index = Cat(*bits)
    return Cat(
        *(
            lookup(index, [bool(count >> bit & 1) for count in counts])
            for bit in range(len(bits).bit_length())
        )
    )
