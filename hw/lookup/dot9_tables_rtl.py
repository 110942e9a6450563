"""Dot9 units whose counts stand in block RAM."""

from amaranth.hdl import Cat, Const, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from subbit.hw.dot.tree_counter_rtl import add_netlist
from subbit.hw.families.part import fabric_of
from subbit.hw.lookup.dot9_tables import Dot9TablesShape, rest_netlist
from subbit.hw.streams.registers_rtl import registered
from subbit.hw.tables.rom_rtl import TwinRom
from subbit.sw.ir.weights import KERNEL_BITS

__all__ = ["Dot9Tables"]


class Dot9Tables(wiring.Component):
    """``count[p] = sum over l of xnor(x[p, l], w[l])`` for ``tables.pixels`` windows p of nine
    one-bit positions, w being codeword number ``code``.

    ``x`` (in): the windows, the first one lowest, each in the order of positions. ``code`` (in):
    the number of the codeword ``w`` (in, nine bits, with ``code``). ``count`` (out): a number a
    window. A block RAM with two read ports for each two windows; a carry chain, or adders, for
    positions that its address has no room for. Latency: 2 cycles, 3 with such positions. Interval:
    a word a cycle.
    """

    x: Signal
    code: Signal
    w: Signal
    count: Signal

    def __init__(self, *, tables: Dot9TablesShape) -> None:
        self._tables = tables
        super().__init__(
            {
                "x": In(tables.pixels * KERNEL_BITS),
                "code": In(max(tables.tau, 1)),
                "w": In(KERNEL_BITS),
                "count": Out(tables.pixels * tables.width),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        tables = self._tables
        looked = tables.looked
        windows = [self.x[at : at + KERNEL_BITS] for at in range(0, len(self.x), KERNEL_BITS)]
        found: list[Value] = []
        for at in range(0, tables.pixels, 2):
            m.submodules[f"counts{at}"] = rom = TwinRom(table=tables.rom)
            ports = ((rom.addr0, rom.data0), (rom.addr1, rom.data1))
            for window, (addr, data) in zip(windows[at : at + 2], ports, strict=False):
                m.d.comb += addr.eq(Cat(self.code[: tables.tau], window[:looked]))
                found.append(data)
        if not tables.rest:
            m.d.comb += self.count.eq(Cat(*found))
            return m
        rest = [registered(m, window[looked:], 2) for window in windows]
        w = registered(m, self.w[looked:], 2)
        if fabric_of(platform) == tables.form:
            nets = Cat(*(Cat(*pair) for pair in zip(found, rest, strict=True)), ~w)
            _, counts = add_netlist(m, rest_netlist(tables), tables.form, [*nets])
            m.d.comb += self.count.eq(counts)
            return m
        for at, (count, more) in enumerate(zip(found, rest, strict=True)):
            total = sum(
                (~(bit ^ same) for bit, same in zip(more, w, strict=True)), Cat(count, Const(0, 1))
            )
            place = self.count[at * tables.width : (at + 1) * tables.width]
            m.d.comb += place.eq(registered(m, total[: tables.width]))
        return m
