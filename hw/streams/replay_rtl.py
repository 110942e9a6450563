"""Emitting each vector several times."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from subbit.hw.contract.memory import choose_memory
from subbit.hw.streams.ram_rtl import ram
from subbit.hw.streams.registers_rtl import payload_register, valid_stages
from subbit.hw.streams.replay import ReplayUnit
from subbit.hw.streams.sequence_rtl import Counter
from subbit.hw.streams.shapes_rtl import stream_of

__all__ = ["Replay"]


class Replay(wiring.Component):
    """``o`` gives each ``unit.words`` beats of ``i``, a vector, ``unit.folds`` times.

    One word: the output register, loaded ``unit.payload_delay`` cycles after the handshake. More:
    two banks of a memory, of which ``i`` fills one while ``o`` reads the other; ``i.ready`` (a bank
    is free) comes from a register. ``collision`` is high if a word is read while it is written,
    which the banks exclude. Latency: ``words + 1`` cycles, or 1 with one word. Interval:
    ``words * folds`` cycles a vector.

    Two words, two folds::

        cycle        0   1   2   3   4   5   6   7   8   9
        i.payload    A   B   C   D   E   E   E   F   G   G
        i.ready      1   1   1   1   0   0   1   1   0   0     both banks are full in cycle 4
        o.valid      0   0   0   1   1   1   1   1   1   1
        o.payload    -   -   -   A   B   A   B   C   D   C

    One word, three folds, a payload delay of 1::

        cycle        0   1   2   3   4   5   6   7
        i.ready      1   0   0   1   0   0   1   0     ready with the last fold
        i.payload    -   A   -   -   B   -   -   C     the cycle after its handshake
        o.valid      0   1   1   1   1   1   1   1
        o.payload    -   -   A   A   A   B   B   B     the cycle after its handshake
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self, *, unit: ReplayUnit) -> None:
        self._unit = unit
        self.collision = Signal()
        super().__init__({"i": In(stream_of(unit.i)), "o": Out(stream_of(unit.o))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        if self._unit.words == 1:
            self.hold(m)
        else:
            self.banks(m)
        return m

    def hold(self, m: Module) -> None:
        """One word: it stays in the output register for all its folds."""
        payload = payload_register(m, self.o)
        m.submodules.folds = folds = Counter(length=self._unit.folds)
        m.d.comb += [
            self.i.ready.eq(~self.o.valid | (folds.last & self.o.ready)),
            folds.step.eq(self.o.valid & self.o.ready),
        ]
        with m.If(folds.step & folds.last):
            m.d.sync += self.o.valid.eq(0)
        takes = self.i.valid & self.i.ready
        with m.If(takes):
            m.d.sync += self.o.valid.eq(1)
        with m.If(valid_stages(m, takes, self._unit.payload_delay, "takes")[-1]):
            m.d.sync += payload.eq(self.i.payload)

    def banks(self, m: Module) -> None:
        """A writer and a reader; ``whole`` vectors wait or are being read."""
        unit = self._unit
        style = choose_memory(unit.element.width, unit.memory_words, unit.memory)
        memory = ram(unit.element.width, unit.memory_words, style)
        m.submodules.memory = memory
        write, read = memory.write_port(), memory.read_port(domain="sync")
        write_bank, read_bank, whole = Signal(), Signal(), Signal(range(3))
        m.submodules.write_count = write_count = Counter(length=unit.words)
        m.submodules.read_count = read_count = Counter(length=unit.words)
        m.submodules.folds = folds = Counter(length=unit.folds)
        takes = self.i.valid & self.i.ready
        reads = (whole != 0) & (~self.o.valid | self.o.ready)
        pushed, popped = takes & write_count.last, reads & read_count.last & folds.last
        m.d.comb += [
            self.i.ready.eq(whole != 2),
            write.addr.eq(Cat(write_count.count, write_bank)),
            write.data.eq(self.i.payload),
            write.en.eq(takes),
            read.addr.eq(Cat(read_count.count, read_bank)),
            read.en.eq(reads),
            self.o.payload.eq(read.data),
            write_count.step.eq(takes),
            read_count.step.eq(reads),
            folds.step.eq(reads & read_count.last),
            self.collision.eq(takes & reads & (write.addr == read.addr)),
        ]
        m.d.sync += [
            whole.eq(whole + pushed - popped),
            write_bank.eq(write_bank ^ pushed),
            read_bank.eq(read_bank ^ popped),
        ]
        with m.If(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.If(reads):
            m.d.sync += self.o.valid.eq(1)
