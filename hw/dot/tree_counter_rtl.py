"""XNOR-popcount made of one vendor's primitives."""

from collections.abc import Sequence

from amaranth.hdl import Cat, Const, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from subbit.hw.dot.popcount import PopcountShape
from subbit.hw.families.netlist import Netlist
from subbit.hw.families.nets_rtl import Pipeline
from subbit.hw.families.table import family
from subbit.hw.streams.registers_rtl import registered
from subbit.hw.trees.counter import Popcount, ones_netlist, popcount_netlist

__all__ = ["PopcountSum", "VendorPopcount", "add_netlist"]


def add_netlist(
    m: Module,
    netlist: Netlist,
    fabric: str,
    inputs: Sequence[Value],
    share: Pipeline | None = None,
    shared: int = 0,
) -> tuple[Pipeline, Value]:
    """Add the cells of a netlist to the module; returns its nets and the count.

    The first ``shared`` inputs are those of ``share``.
    """
    pipeline = Pipeline(m, netlist, inputs, share, shared)
    for level, cell in netlist.cells:
        family(fabric).add_cell(m, pipeline, level, cell)
    return pipeline, Cat(*(pipeline.output(unit) for unit in netlist.outputs))


class VendorPopcount(wiring.Component):
    """The ports and the sums of :class:`subbit.hw.dot.popcount_rtl.PopcountXnor`, of a
    vendor's cells.

    ``form``: of one row, with the shape's ``simd``, ``bits``, ``masked`` and ``scales``.
    ``latency``: cycles from positions to counts, at least those of the netlist, which is the
    default; a new set every cycle. Raises ValueError where they do not fit each other.
    """

    x: Signal
    w: Signal
    count: Signal
    padding: Signal

    def __init__(self, shape: PopcountShape, form: Popcount, latency: int | None = None) -> None:
        if fields_of(shape) != fields_of(form):
            raise ValueError(f"{form!r} does not count a row of {shape!r}")
        self._shape, self.form = shape, form
        self._netlist = popcount_netlist(form)
        self.latency = self._netlist.latency if latency is None else latency
        if self.latency < self._netlist.latency:
            raise ValueError(
                f"the counts take {self._netlist.latency} cycles, which is more than {latency}"
            )
        super().__init__(
            {
                "x": In(shape.simd * (shape.bits + shape.masked)),
                "w": In(len(shape.scales) * shape.simd * shape.rows),
                "count": Out(shape.width * shape.rows),
                "padding": Out(shape.simd.bit_length()),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        shape, form, netlist = self._shape, self.form, self._netlist
        share: Pipeline | None = None
        counts = []
        x, w = wires(m, self.x), wires(m, self.w)
        for row in range(shape.rows):
            weights = w[row :: shape.rows] if form.weights is None else []
            pipeline, count = add_netlist(m, netlist, form.fabric, [*x, *weights], share, len(x))
            share = share or pipeline
            counts.append(registered(m, count, self.latency - netlist.latency))
        m.d.comb += self.count.eq(Cat(*counts))
        if shape.masked:
            masks = x[shape.bits :: shape.bits + 1]
            ones = ones_netlist(shape.simd, 0, form.fabric, form.limit, form.depth)
            _, padding = add_netlist(m, ones, form.fabric, masks)
            m.d.comb += self.padding.eq(registered(m, padding, self.latency - ones.latency))
        return m


def wires(m: Module, value: Value) -> list[Value]:
    """Each bit as a signal of its own: a use of it then does not elaborate all of ``value``."""
    bits: list[Value] = [Signal(name=f"bit{at}") for at in range(len(value))]
    m.d.comb += Cat(*bits).eq(value)
    return bits


def fields_of(counter: PopcountShape | Popcount) -> tuple[int | bool | tuple[int, ...], ...]:
    """What a row counts."""
    return counter.simd, counter.bits, counter.masked, counter.scales


class PopcountSum(wiring.Component):
    """A running sum of XNOR-popcounts of one row, in one compressor tree.

    ``count`` is the sum, modulo ``2**form.total``, of the counts of the words ``x``, ``w`` from the
    last one that came with ``first`` on, ``latency`` cycles after its last word. A word a cycle.
    Raises ValueError for a form without a running sum.
    """

    x: Signal
    w: Signal
    first: Signal
    count: Signal

    def __init__(self, form: Popcount) -> None:
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
