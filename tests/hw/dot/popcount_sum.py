"""A popcount whose running sum joins the last level of its compressor tree."""

from amaranth.hdl import Const, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from subbit.hw.dot.tree_counter_rtl import add_netlist, wires
from subbit.hw.trees.counter import Popcount, popcount_netlist

__all__ = ["PopcountSum"]


class PopcountSum(wiring.Component):
    """A running sum of XNOR-popcounts of one row, in one compressor tree.

    ``count`` (out) is the sum, modulo ``2**form.total``, of the counts of the words ``x``, ``w``
    (in) from the last one that came with ``first`` (in) on, ``latency`` cycles after its last word.
    The sum so far joins in the tree's last level. Latency: that of the netlist, in cycles.
    Interval: a word a cycle. Raises ValueError for a form without a running sum or with constant
    weights.
    """

    x: Signal
    w: Signal
    first: Signal
    count: Signal

    def __init__(self, *, form: Popcount) -> None:
        if not form.total or form.weights is not None:
            raise ValueError(f"{form!r} has no running sum, or constant weights")
        self._form, self._netlist = form, popcount_netlist(form)
        self.latency = self._netlist.latency
        super().__init__(
            {
                "x": In(form.simd * form.lane),
                "w": In(len(form.scales) * form.simd),
                "first": In(1),
                "count": Out(form.total),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        feedback = [Const(0, 1)] * self._form.total  # nets that the netlist takes from its outputs
        inputs = [*wires(m, self.x), *wires(m, self.w), self.first, *feedback]
        _, count = add_netlist(m, self._netlist, self._form.fabric, inputs)
        m.d.comb += self.count.eq(count)
        return m
