"""Sums of table entries."""

from amaranth.hdl import Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from subbit.hw.dot.popcount_rtl import add_up
from subbit.hw.dot.tree_counter_rtl import add_netlist
from subbit.hw.families.part import fabric_of
from subbit.hw.lookup.entry_sum import EntrySumShape
from subbit.hw.streams.registers_rtl import registered

__all__ = ["EntrySum"]


class EntrySum(wiring.Component):
    """``total`` (out): the sum of ``shape.count`` numbers of ``shape.bits`` bits in ``x`` (in, the
    first one lowest), modulo ``2**shape.width``; with ``shape.running`` the sum of all words since
    the last one that came with ``first`` (in).

    A vendor's compressor tree, into whose last level the sum so far is fed back, or an adder tree
    and an accumulator. Latency: ``shape.latency`` cycles. Interval: a word a cycle.
    """

    x: Signal
    first: Signal
    total: Signal

    def __init__(self, *, shape: EntrySumShape) -> None:
        self._shape = shape
        super().__init__(
            {
                "x": In(shape.count * shape.bits),
                "first": In(1),
                "total": Out(shape.width),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        shape = self._shape
        if fabric_of(platform) == shape.form:
            inputs = [*self.x]
            if shape.running:  # the netlist takes the sum so far from its outputs
                feedback = [Const(0, 1)] * (shape.netlist.inputs - len(inputs) - 1)
                inputs += [self.first, *feedback]
            _, total = add_netlist(m, shape.netlist, shape.form, inputs)
            total = registered(m, total[: shape.width], shape.latency - shape.netlist.latency)
        else:
            total = self._added(m)
        m.d.comb += self.total.eq(total)
        return m

    def _added(self, m: Module) -> Value:
        """The portable form."""
        shape = self._shape
        starts = range(0, len(self.x), shape.bits)
        added, stages = add_up(m, [self.x[at : at + shape.bits] for at in starts])
        spare = shape.latency - stages - shape.running
        added = registered(m, added[: shape.width], spare)
        if not shape.running:
            return added
        total = Signal(shape.width, reset_less=True)
        before = Mux(registered(m, self.first, stages + spare), 0, total)
        m.d.sync += total.eq(before + added)
        return total
