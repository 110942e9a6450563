"""Nearest upsampling of a stream."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from subbit.hw.contract.blocks import first_of
from subbit.hw.contract.memory import choose_memory
from subbit.hw.layers.upsample import UpsampleUnit
from subbit.hw.streams.ram_rtl import ram
from subbit.hw.streams.sequence_rtl import Counter
from subbit.hw.streams.shapes_rtl import stream_of

__all__ = ["Upsample"]


class Upsample(wiring.Component):
    """``o`` gives the rows and columns of ``i`` as often as ``unit.layer`` says.

    A beat goes from ``i`` into the output register, and into a memory of the beats that come again.
    When they do, ``i.ready`` is low and the memory gives them; where the same beat comes again at
    once, the register stays as it is. Of the memory the word of the next step is read in each step,
    if that step needs one: never the word that is written. What an output beat holds several times
    is wires. Latency: 1 cycle. Interval: a beat of ``o`` a cycle. After a reset a frame begins.
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self, *, unit: UpsampleUnit) -> None:
        self._unit = unit
        self.collision = Signal()
        super().__init__({"i": In(stream_of(unit.i)), "o": Out(stream_of(unit.o))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        unit = self._unit
        rows, columns = unit.again
        kept = Signal(unit.i.width, reset_less=True)
        step = Signal()
        m.submodules.chunk = chunk = Counter(length=unit.chunks)
        m.submodules.column = column = Counter(length=columns, tables=[first_of(columns)])
        m.submodules.pixel = pixel = Counter(length=unit.line if rows > 1 else 1)
        m.submodules.row = row = Counter(length=rows, tables=[first_of(rows)])
        m.d.comb += [
            chunk.step.eq(step),
            column.step.eq(step & chunk.last),
            pixel.step.eq(column.step & column.last),
            row.step.eq(pixel.step & pixel.last),
        ]
        takes = column.flags[0] & row.flags[0]
        free = ~self.o.valid | self.o.ready
        m.d.comb += [
            self.i.ready.eq(free & takes),
            step.eq(free & (self.i.valid | ~takes)),
            self.o.payload.as_value().eq(self._copies(kept)),
        ]
        with m.If(free):
            m.d.sync += self.o.valid.eq(self.i.valid | ~takes)
        if unit.depth == 1:
            with m.If(step & takes):
                m.d.sync += kept.eq(self.i.payload)
            return m
        word = self._memory(m, step, takes, (chunk, column, pixel))
        loads = column.flags[0] if unit.chunks == 1 else Const(1, 1)
        with m.If(step & loads):
            m.d.sync += kept.eq(Mux(takes, self.i.payload.as_value(), word))
        return m

    def _memory(
        self, m: Module, step: Signal, takes: Value, counters: tuple[Counter, Counter, Counter]
    ) -> Value:
        """The word of this step, kept from when it was taken."""
        unit = self._unit
        chunk, column, pixel = counters
        memory = ram(unit.i.width, unit.depth, choose_memory(unit.i.width, unit.depth))
        m.submodules.memory = memory
        write, read = memory.write_port(), memory.read_port(domain="sync")
        now, following = Signal(range(unit.depth)), Signal(range(unit.depth))
        m.d.comb += [
            write.addr.eq(now),
            write.data.eq(self.i.payload),
            write.en.eq(step & takes),
            read.addr.eq(following),
            read.en.eq(step),
            following.eq(self._following(m, now, chunk, column, pixel)),
            self.collision.eq(write.en & read.en & (now == following)),
        ]
        if unit.chunks == 1:  # the same word may follow, and is in the output register
            m.d.comb += read.en.eq(step & column.last)
        with m.If(step):
            m.d.sync += now.eq(following)
        word: Value = read.data
        return word

    def _following(
        self, m: Module, now: Signal, chunk: Counter, column: Counter, pixel: Counter
    ) -> Value:
        """The place of the word of the next step."""
        unit = self._unit
        after = now + 1
        if unit.chunks == 1:
            return Mux(column.last, Mux(pixel.last, 0, after), now)
        if unit.depth == unit.chunks:
            return Mux(chunk.last, 0, after)
        base, beyond = (
            Signal(range(unit.depth), init=init, name=name)
            for name, init in (("base", 0), ("beyond", unit.chunks))
        )
        with m.If(pixel.step):
            m.d.sync += [
                base.eq(beyond),
                beyond.eq(Mux(beyond == unit.depth - unit.chunks, 0, beyond + unit.chunks)),
            ]
        return Mux(chunk.last, Mux(column.last, beyond, base), after)

    def _copies(self, beat: Signal) -> Value:
        """An output beat: rows of copies of the pixels of an input beat, in the tensor's order."""
        unit = self._unit
        rows, columns = unit.block
        if rows * columns == 1:
            return beat
        bits = unit.i.bits * unit.input.channels
        pixels = [beat[at : at + bits] for at in range(0, len(beat), bits)]
        width = min(unit.input.width, len(pixels))
        found: list[Value] = []
        for at in range(0, len(pixels), width):
            line = [pixel for pixel in pixels[at : at + width] for _ in range(columns)]
            found += line * rows
        return Cat(*found)
