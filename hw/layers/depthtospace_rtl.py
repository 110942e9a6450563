"""Channels of a stream that become rows and columns."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from subbit.hw.contract.blocks import first_of
from subbit.hw.contract.memory import choose_memory
from subbit.hw.layers.depthtospace import DepthToSpaceUnit
from subbit.hw.streams.ram_rtl import ram
from subbit.hw.streams.sequence_rtl import Counter
from subbit.hw.streams.shapes_rtl import stream_of

__all__ = ["DepthToSpace"]


class DepthToSpace(wiring.Component):
    """``o`` gives the channels of the pixels of ``i`` as blocks of pixels, by ``unit.layer``.

    What a beat of ``i`` gives to the first output row goes into the output register at once, and is
    shifted where it is more than a beat of ``o``. The rest goes into a memory, which gives it while
    ``i.ready`` is low; where a row is one beat, a register is that memory. The word of the next
    step is read in a step that is the last of its word: never the word that is written. Latency: 1
    cycle. Interval: a beat of ``o`` a cycle. After a reset a frame begins.
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self, *, unit: DepthToSpaceUnit) -> None:
        self._unit = unit
        self.collision = Signal()
        super().__init__({"i": In(stream_of(unit.i)), "o": Out(stream_of(unit.o))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        unit = self._unit
        step, free = Signal(), Signal()
        m.submodules.chunk = chunk = Counter(length=unit.chunks, tables=[first_of(unit.chunks)])
        m.submodules.beat = beat = Counter(length=unit.line if unit.rows > 1 else 1)
        m.submodules.row = row = Counter(length=unit.rows, tables=[first_of(unit.rows)])
        m.d.comb += [
            chunk.step.eq(step),
            beat.step.eq(step & chunk.last),
            row.step.eq(beat.step & beat.last),
        ]
        begins = chunk.flags[0] if unit.chunks > 1 else Const(1, 1)
        takes = begins & row.flags[0]
        m.d.comb += [
            free.eq(~self.o.valid | self.o.ready),
            self.i.ready.eq(free & takes),
            step.eq(free & (self.i.valid | ~takes)),
        ]
        with m.If(free):
            m.d.sync += self.o.valid.eq(self.i.valid | ~takes)
        first, *rest = self._parts()
        kept = Signal(len(first), reset_less=True)
        m.d.comb += self.o.payload.as_value().eq(kept)
        if rest:
            later = self._kept(m, Cat(*rest), step & takes, step & chunk.last, beat)
        with m.If(step):
            if unit.chunks > 1:
                m.d.sync += kept.eq(kept >> unit.o.width)
            with m.If(begins):
                m.d.sync += kept.eq(first)
                if rest:
                    with m.If(~takes):
                        m.d.sync += kept.eq(self._of_row(later, row.count, len(first)))
        return m

    def _parts(self) -> list[Value]:
        """What a beat of ``i`` gives to each of the output rows that come one behind the other."""
        unit = self._unit
        beat = self.i.payload.as_value()
        if unit.rows == 1 < unit.layer.rows:
            return [Cat(*self._whole_rows(beat))]
        bits = unit.part * unit.i.bits
        pieces = [beat[at : at + bits] for at in range(0, len(beat), bits)]
        return [Cat(*pieces[row :: unit.rows]) for row in range(unit.rows)]

    def _whole_rows(self, beat: Value) -> list[Value]:
        """The output rows of a beat that holds whole rows of the input."""
        unit = self._unit
        rows, bits = unit.layer.rows, unit.part * unit.i.bits
        pieces = [beat[at : at + bits] for at in range(0, len(beat), bits)]
        line = unit.input.width * rows
        lines = [pieces[at : at + line] for at in range(0, len(pieces), line)]
        return [Cat(*line[row::rows]) for line in lines for row in range(rows)]

    def _of_row(self, later: Value, row: Value, width: int) -> Value:
        """The part of an output row, from 1 up, among those of all but the first."""
        if self._unit.rows == 2:
            return later
        return Cat(later[:width], later).word_select(row, width)

    def _kept(self, m: Module, rest: Value, takes: Value, done: Value, beat: Counter) -> Value:
        """The parts of the further rows that are given in this step."""
        unit = self._unit
        if unit.depth == 1:
            register = Signal(len(rest), reset_less=True)
            with m.If(takes):
                m.d.sync += register.eq(rest)
            return register
        memory = ram(len(rest), unit.depth, choose_memory(len(rest), unit.depth))
        m.submodules.memory = memory
        write, read = memory.write_port(), memory.read_port(domain="sync")
        following = Signal(range(unit.depth))
        m.d.comb += [
            write.addr.eq(beat.count),
            write.data.eq(rest),
            write.en.eq(takes),
            following.eq(Mux(beat.last, 0, beat.count + 1)),
            read.addr.eq(following),
            read.en.eq(done),
            self.collision.eq(write.en & read.en & (write.addr == read.addr)),
        ]
        word: Value = read.data
        return word
