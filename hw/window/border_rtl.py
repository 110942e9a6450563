"""Constants, for each place of the frame, that take back what zero padding adds to dot products."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from subbit.hw.streams.sequence_rtl import Counter
from subbit.hw.tables.rom_rtl import Rom
from subbit.hw.window.border import PaddingSumsConfig
from subbit.sw.ir.arrays import Ints

__all__ = ["PaddingSums"]


class PaddingSums(wiring.Component):
    """``data`` (out): two cycles after a ``step`` (in) the constants of its pass, ``sums.bits``
    each, that of the first lane lowest.

    Steps go through the passes of a group of pixels, then through the groups of a row, then through
    the rows of the frame. Three counters make the address: the pass, and flags that tell the kind
    of the column and of the row. Latency: 2 cycles. Interval: a step a cycle.
    """

    step: Signal
    data: Signal

    def __init__(self, *, sums: PaddingSumsConfig) -> None:
        self._sums = sums
        super().__init__({"step": In(1), "data": Out(max(sums.rom.width, 1))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        sums, border = self._sums, self._sums.border
        passes, columns, rows = sums.address_bits
        m.submodules.passes = count = Counter(length=sums.passes)
        m.submodules.columns = column = counter_of(sums, border.column_kinds[1], columns)
        m.submodules.rows = row = counter_of(sums, border.row_kinds[1], rows)
        m.submodules.rom = rom = Rom(table=sums.rom, cycles=2)
        m.d.comb += [
            count.step.eq(self.step),
            column.step.eq(self.step & count.last),
            row.step.eq(self.step & count.last & column.last),
            rom.addr.eq(Cat(count.count[:passes], column.flags, row.flags)),
            self.data.eq(rom.data),
        ]
        return m


def counter_of(sums: PaddingSumsConfig, kinds: Ints, bits: int) -> Counter:
    """A counter through the rows or columns of a frame that tells their kinds."""
    return Counter(length=len(kinds), tables=sums.flags(kinds, bits))
