"""A queue between two units."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from subbit.hw.streams.fifo import FifoUnit
from subbit.hw.streams.ram_rtl import ram
from subbit.hw.streams.shapes_rtl import stream_of

__all__ = ["Fifo"]


class Fifo(wiring.Component):
    """``o`` gives the beats of ``i`` in order, up to ``unit.depth`` of them later; the payload of
    both is ``unit.element``.

    A memory, a pointer for each port and a counter of the beats held; ``i.ready`` (fewer than
    ``depth`` beats) and ``o.valid`` (more than none) are registers beside that counter. Latency: 1
    cycle, 2 where the memory is a block RAM, whose output register and one more hold two beats of
    their own: it is read while, by registers, not both are full, so that ``o.ready`` is not in the
    way of its read port. Interval: a beat a cycle, or every other cycle with a ``depth`` of 1.
    ``collision`` is high if a word is read in the cycle in which it is written: never, as nothing
    is read from an empty queue and nothing written to a full one.

    With ``depth`` 3 and LUT RAM, ``o.ready`` low until cycle 5::

        cycle        0   1   2   3   4   5   6   7   8
        i.payload    A   B   C   D   D   D   D   E   F
        i.ready      1   1   1   0   0   0   1   1   1    a place is free the cycle after it is read
        o.valid      0   1   1   1   1   1   1   1   1
        o.payload    -   A   A   A   A   A   B   C   D
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self, *, unit: FifoUnit) -> None:
        self._unit = unit
        self.collision = Signal()
        super().__init__({"i": In(stream_of(unit.i)), "o": Out(stream_of(unit.o))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        depth = self._unit.depth
        block = self._unit.style == "block"
        memory = ram(self._unit.element.width, depth, self._unit.style)
        m.submodules.memory = memory
        write = memory.write_port()
        read = memory.read_port(domain="sync" if block else "comb")
        level = Signal(range(depth + 1))
        ready, some = Signal(init=1), Signal()  # level < depth, level > 0
        takes, gives = Signal(), Signal()
        m.d.comb += [
            takes.eq(self.i.valid & ready),
            self.i.ready.eq(ready),
            write.data.eq(self.i.payload),
            write.en.eq(takes),
            self.collision.eq(takes & gives & (write.addr == read.addr)),
        ]
        for port, moves in ((write, takes), (read, gives)):
            pointer = Signal(range(depth))
            m.d.comb += port.addr.eq(pointer)
            with m.If(moves):
                m.d.sync += pointer.eq(Mux(pointer == depth - 1, 0, pointer + 1))
        with m.If(takes & ~gives):
            m.d.sync += [level.eq(level + 1), some.eq(1), ready.eq(level != depth - 1)]
        with m.If(gives & ~takes):
            m.d.sync += [level.eq(level - 1), ready.eq(1), some.eq(level != 1)]
        if block:
            kept, older = Signal(self._unit.element.width, reset_less=True), Signal()
            fetched = Signal()  # the memory's output register holds a beat; ``older``: so does kept
            m.d.comb += [
                gives.eq(some & ~older),
                read.en.eq(gives),
                self.o.valid.eq(fetched),
                self.o.payload.eq(Mux(older, kept, read.data)),
            ]
            m.d.sync += fetched.eq(gives | older | (fetched & ~self.o.ready))
            m.d.sync += older.eq(Mux(older, ~self.o.ready, gives & fetched & ~self.o.ready))
            with m.If(~older):
                m.d.sync += kept.eq(read.data)
        else:
            m.d.comb += [
                self.o.valid.eq(some),
                self.o.payload.eq(read.data),
                gives.eq(some & self.o.ready),
            ]
        return m
