"""Read-only tables, read by address or one word after another."""

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Cat, Const, Module, ResetSignal, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from subbit.hw.families.local_register import local_register
from subbit.hw.families.part import family_of
from subbit.hw.streams.registers_rtl import registered, valid_stages
from subbit.hw.streams.sequence_rtl import count_steps
from subbit.hw.tables.rom import RomTable

__all__ = ["Rom", "RomSequence", "TwinRom", "table_memory"]


def table_memory(table: RomTable) -> Memory:
    """A memory that holds the table; its attribute tells synthesis which kind it is."""
    return Memory(
        shape=table.width,
        depth=table.depth,
        init=table.words,
        attrs={"rom_style": table.style},
    )


class Rom(wiring.Component):
    """``data`` (out) is ``table.words[addr]`` for the ``addr`` (in) of ``cycles`` (1 or 2) cycles
    before, one more with ``in_parts``.

    A block RAM is slow to put data out; with the second cycle nothing follows it but a register,
    its own one where the part is known. ``in_parts``: registers for the address, one for each block
    RAM where the part is known and the table has its second cycle. Latency: ``cycles + in_parts``
    cycles; 0 for a table of equal words. Interval: an address a cycle.
    """

    addr: Signal
    data: Signal

    def __init__(self, *, table: RomTable, cycles: int = 1, in_parts: bool = False) -> None:
        self._table, self._cycles, self._in_parts = table, cycles, in_parts
        super().__init__({"addr": In(range(max(table.depth, 2))), "data": Out(max(table.width, 1))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        table = self._table
        if table.style == "const":
            m.d.comb += self.data.eq(Const(table.words[0], max(table.width, 1)))
            return m
        family, block = family_of(platform), table.style == "block" and self._cycles == 2
        rom: Any
        if block and family and family.has_block_roms:
            m.submodules.memory = rom = family.block_rom(
                table.words, table.width, local_addresses=self._in_parts
            )
            m.d.comb += [rom.addr.eq(self.addr), self.data.eq(rom.data)]
            return m
        m.submodules.memory = memory = table_memory(table)
        port = memory.read_port()
        m.d.comb += port.addr.eq(registered(m, self.addr, int(self._in_parts)))
        if self._cycles == 1:
            m.d.comb += self.data.eq(port.data)
        else:
            second = Signal(table.width, reset_less=True)
            m.d.sync += second.eq(port.data)
            m.d.comb += self.data.eq(second)
        return m


class TwinRom(wiring.Component):
    """``data0`` and ``data1`` (out) are the words of ``table``, which fits a block RAM's port, at
    ``addr0`` and ``addr1`` (in) of two cycles before: one block RAM serves both. Latency: 2 cycles.
    Interval: two addresses a cycle.
    """

    addr0: Signal
    addr1: Signal
    data0: Signal
    data1: Signal

    def __init__(self, *, table: RomTable) -> None:
        self._table = table
        addr, data = In(range(max(table.depth, 2))), Out(table.width)
        super().__init__({"addr0": addr, "addr1": addr, "data0": data, "data1": data})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        sides = ((self.addr0, self.data0), (self.addr1, self.data1))
        family = family_of(platform)
        rom: Any
        if family and family.has_block_roms:
            rom = family.twin_block_rom(self._table.words, self._table.width)
            m.submodules.memory = rom
            inner = ((rom.addr0, rom.data0), (rom.addr1, rom.data1))
            for (addr, data), (inside, found) in zip(sides, inner, strict=True):
                m.d.comb += [inside.eq(addr), data.eq(found)]
            return m
        m.submodules.memory = memory = table_memory(self._table)
        for addr, data in sides:
            port = memory.read_port()
            second = Signal(self._table.width, reset_less=True)
            m.d.sync += second.eq(port.data)
            m.d.comb += [port.addr.eq(addr), data.eq(second)]
        return m


class RomSequence(wiring.Component):
    """``data`` (out): the words of ``table`` in order, again and again: ``cycles`` (1 or 2, of the
    table) cycles after a ``step`` (in) the word of that step; the next step has the next word.

    ``parts``: those that the table is cut into, where it is (see TableParts): then the data come 2
    cycles later, 3 with tables in block RAM; each part has an address of its own, with registers of
    its own for step and reset, and each block RAM a register for that address. The reset comes a
    cycle later than the step would, which therefore has a register more. Latency: ``cycles``, and
    2 or 3 more in parts. Interval: a step a cycle.
    """

    step: Signal
    data: Signal

    def __init__(self, *, table: RomTable, cycles: int = 1, parts: Sequence[RomTable] = ()) -> None:
        self._table, self._cycles, self._parts = table, cycles, parts
        super().__init__({"step": In(1), "data": Out(max(table.width, 1))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        table = self._table
        if not self._parts:
            m.submodules.rom = rom = Rom(table=table, cycles=self._cycles)
            m.d.comb += self.data.eq(rom.data)
            if table.style != "const":
                m.d.comb += rom.addr.eq(count_steps(m, self.step, table.depth))
            return m
        step, reset = valid_stages(m, self.step, 1, "step")[-1], ResetSignal(allow_reset_less=True)
        words: list[Value] = []
        for number, part in enumerate(self._parts):
            in_block = part.style == "block"
            m.submodules[f"part{number}"] = rom = Rom(
                table=part, cycles=self._cycles, in_parts=in_block
            )
            near = [local_register(m, platform, value) for value in (step, reset)]
            m.d.comb += rom.addr.eq(count_steps(m, near[0], part.depth, near[1]))
            words.append(rom.data)
        m.d.comb += self.data.eq(Cat(*words))
        return m
