"""XNOR-popcount made of one vendor's primitives."""

from collections.abc import Sequence

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from subbit.hw.dot.popcount import PopcountShape
from subbit.hw.families.netlist import Netlist
from subbit.hw.families.nets_rtl import NetRegisters
from subbit.hw.families.table import family
from subbit.hw.streams.registers_rtl import registered
from subbit.hw.trees.counter import Popcount, ones_netlist, popcount_netlist

__all__ = ["VendorPopcount", "add_netlist", "wires"]


def add_netlist(
    m: Module,
    netlist: Netlist,
    fabric: str,
    inputs: Sequence[Value],
    share: NetRegisters | None = None,
    shared: int = 0,
) -> tuple[NetRegisters, Value]:
    """Add the cells of a netlist to the module; returns its nets and the count.

    The first ``shared`` inputs are those of ``share``.
    """
    pipeline = NetRegisters(m, netlist, inputs, share, shared)
    for level, cell in netlist.cells:
        family(fabric).add_cell(m, pipeline, level, cell)
    return pipeline, Cat(*(pipeline.output(unit) for unit in netlist.outputs))


class VendorPopcount(wiring.Component):
    """``count[r] = sum over l, b, k of scales[k] * 2**b * (xnor(x[l, b], w[k, r, l]) & mask[l])``,
    made of one vendor's cells: a compressor tree of carry chains for each row.

    ``x`` (in): positions, each ``bits`` wide with its mask bit on top if there are masks. ``w``
    (in): weight bits, ``(plane * simd + position) * rows + row``. ``count`` (out): a number a row.
    ``padding`` (out): positions with mask 0. ``form``: of one row, with the shape's ``simd``,
    ``bits``, ``masked`` and ``scales``. ``latency``: cycles from positions to counts, at least
    those of the netlist, which is the default. Interval: a word a cycle.

    On ECP5 a carry position whose function is the XOR of its four inputs adds two XNORs, and one
    whose function is 0 gives the carry away and takes a third as carry-in: three bits become two in
    two LUT4s. Raises ValueError where ``shape``, ``form`` and ``latency`` do not fit each other.
    """

    x: Signal
    w: Signal
    count: Signal
    padding: Signal

    def __init__(self, *, shape: PopcountShape, form: Popcount, latency: int | None = None) -> None:
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
        share: NetRegisters | None = None
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
