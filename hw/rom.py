"""Read-only tables, read by address or one word after another."""

from amaranth.hdl import Const, Module, Signal, Value, ValueLike
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from subbit.hw.fabric import fabric_of
from subbit.hw.registers import valid_stages
from subbit.hw.vendor.ecp5_rom import BlockRom, TwinBlockRom
from subbit.sw.units.rom import Rom as RomTable

__all__ = ["Rom", "RomSequence", "TwinRom", "count_steps", "next_in_cycle", "table_memory"]


def next_in_cycle(count: Signal, length: int) -> ValueLike:
    """The number after ``count`` in 0, 1, .., length - 1, 0, .."""
    if length & (length - 1) == 0:
        return count + 1
    return (count + 1) & (count != length - 1).replicate(len(count))


def count_steps(m: Module, step: Value, length: int) -> Signal:
    """The number of cycles with ``step`` before this one, modulo ``length``."""
    count = Signal(range(length))
    with m.If(step):
        m.d.sync += count.eq(next_in_cycle(count, length))
    return count


def table_memory(table: RomTable) -> Memory:
    """A memory that holds the table; its attribute tells synthesis which kind it is."""
    return Memory(
        shape=table.width,
        depth=table.depth,
        init=table.words,
        attrs={"rom_style": table.style},
    )


class Rom(wiring.Component):
    """``data`` is ``table.words[addr]`` of ``cycles`` (1 or 2) cycles before.

    A block RAM is slow to put data out; with the second cycle nothing follows it but a register,
    its own one where the part is known.
    """

    addr: Signal
    data: Signal

    def __init__(self, table: RomTable, cycles: int = 1) -> None:
        self._table, self._cycles = table, cycles
        super().__init__({"addr": In(range(max(table.depth, 2))), "data": Out(max(table.width, 1))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        table = self._table
        if table.style == "const":
            m.d.comb += self.data.eq(Const(table.words[0], max(table.width, 1)))
            return m
        block = table.style == "block" and self._cycles == 2
        if block and fabric_of(platform) == "ecp5":
            m.submodules.memory = rom = BlockRom(table)
            m.d.comb += [rom.addr.eq(self.addr), self.data.eq(rom.data)]
            return m
        m.submodules.memory = memory = table_memory(table)
        port = memory.read_port()
        m.d.comb += port.addr.eq(self.addr)
        if self._cycles == 1:
            m.d.comb += self.data.eq(port.data)
        else:
            late = Signal(table.width, reset_less=True)
            m.d.sync += late.eq(port.data)
            m.d.comb += self.data.eq(late)
        return m


class TwinRom(wiring.Component):
    """``data0`` and ``data1`` are the words of ``table``, which fits a block RAM's port, at
    ``addr0`` and ``addr1`` of two cycles before.
    """

    addr0: Signal
    addr1: Signal
    data0: Signal
    data1: Signal

    def __init__(self, table: RomTable) -> None:
        self._table = table
        addr, data = In(range(max(table.depth, 2))), Out(table.width)
        super().__init__({"addr0": addr, "addr1": addr, "data0": data, "data1": data})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        sides = ((self.addr0, self.data0), (self.addr1, self.data1))
        if fabric_of(platform) == "ecp5":
            m.submodules.memory = rom = TwinBlockRom(self._table)
            inner = ((rom.addr0, rom.data0), (rom.addr1, rom.data1))
            for (addr, data), (inside, found) in zip(sides, inner, strict=True):
                m.d.comb += [inside.eq(addr), data.eq(found)]
            return m
        m.submodules.memory = memory = table_memory(self._table)
        for addr, data in sides:
            port = memory.read_port()
            late = Signal(self._table.width, reset_less=True)
            m.d.sync += late.eq(port.data)
            m.d.comb += [port.addr.eq(addr), data.eq(late)]
        return m


class RomSequence(wiring.Component):
    """The words of ``table`` in order, again and again.

    ``data``: ``ahead + cycles`` after a ``step`` the word of that step; the next step has the next
    word. ``cycles``: 1 or 2, of the table; ``ahead``: registers of the step, far from the table.
    """

    step: Signal
    data: Signal

    def __init__(self, table: RomTable, cycles: int = 1, ahead: int = 0) -> None:
        self._table, self._cycles, self._ahead = table, cycles, ahead
        super().__init__({"step": In(1), "data": Out(max(table.width, 1))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.rom = rom = Rom(self._table, self._cycles)
        m.d.comb += self.data.eq(rom.data)
        if self._table.style != "const":
            step = valid_stages(m, self.step, self._ahead, "step")[-1]
            m.d.comb += rom.addr.eq(count_steps(m, step, self._table.depth))
        return m
