"""Dot9 units side by side."""

from amaranth.hdl import Cat, Const, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from subbit.hw.dot.popcount_rtl import PopcountXnor, full_add
from subbit.hw.dot.tree_counter_rtl import add_netlist
from subbit.hw.families.part import fabric_of
from subbit.hw.lookup.dot9 import Dot9Row, compressor_netlist
from subbit.hw.streams.registers_rtl import registered
from subbit.sw.ir.weights import KERNEL_BITS

__all__ = ["Dot9s"]


class Dot9s(wiring.Component):
    """``count[p] = sum over l, b of 2**b * xnor(x[p, l, b], w[l])`` for ``row.pixels`` windows p.

    ``x`` (in): the windows, the first one lowest, each in the order of positions. ``w`` (in): the
    codeword, nine bits. ``count`` (out): a number a window, ``row.width`` bits. Carry chains on the
    part whose fabric is ``row.form``, else portable counters. Latency: ``row.latency`` cycles.
    Interval: a word a cycle.
    """

    x: Signal
    w: Signal
    count: Signal

    def __init__(self, *, row: Dot9Row) -> None:
        self._row = row
        super().__init__(
            {
                "x": In(row.pixels * KERNEL_BITS * row.bits),
                "w": In(KERNEL_BITS),
                "count": Out(row.pixels * row.width),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        row = self._row
        if row.chained and fabric_of(platform) == row.form:
            counts = self._chained(m)
        else:
            counts = [self._single(m, pixel) for pixel in range(row.pixels)]
        m.d.comb += self.count.eq(Cat(*counts))
        return m

    def _single(self, m: Module, pixel: int) -> Value:
        """The count of one window, of portable logic or the vendor's tree."""
        row, size = self._row, KERNEL_BITS * self._row.bits
        m.submodules[f"popcount{pixel}"] = popcount = PopcountXnor(shape=row.single)
        ones = Const((1 << KERNEL_BITS) - 1, KERNEL_BITS)
        m.d.comb += [
            popcount.x.eq(self.x[pixel * size : (pixel + 1) * size]),
            popcount.w.eq(ones if row.matched else self.w),
        ]
        return registered(m, popcount.count, row.latency - row.single.latency)

    def _chained(self, m: Module) -> list[Value]:
        """The counts from carry chains that turn three positions into two bits."""
        row = self._row
        inputs = [*self.x, *([] if row.matched else ~self.w)]
        _, compressors = add_netlist(m, compressor_netlist(row), row.form, inputs)
        counts: list[Value] = []
        for at in range(0, len(compressors), 6):
            low, carry = full_add(*compressors[at : at + 6 : 2])
            a, b, c = compressors[at + 1 : at + 6 : 2]
            four = a & b & c & carry
            two = (a & b) | (c & carry) | ((a | b) & (c | carry))
            count = Cat(low, a ^ b ^ c ^ carry, two & ~four, four)
            counts.append(registered(m, count, row.latency - 1))
        return counts
