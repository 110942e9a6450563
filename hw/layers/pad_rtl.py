"""A border around a stream's map."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from subbit.hw.contract.blocks import first_of
from subbit.hw.layers.pad import PadUnit
from subbit.hw.layers.recoding_rtl import recoded
from subbit.hw.streams.sequence_rtl import Counter
from subbit.hw.streams.shapes_rtl import stream_of

__all__ = ["Pad"]


class Pad(wiring.Component):
    """``o`` gives the map on ``i`` with the border of ``unit.layer`` around it.

    Counters say whether the next beat is of the map or of the border. A beat of the map is taken
    into the output register, as elements of the output's type; a beat of the border sets that
    register, and takes nothing; the first of a frame waits until the frame comes. What is left and
    right of whole rows, or around a whole map, is wires. Latency: 1 cycle. Interval: a beat of
    ``o`` a cycle. After a reset a frame begins.
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self, *, unit: PadUnit) -> None:
        self._unit = unit
        super().__init__({"i": In(stream_of(unit.i)), "o": Out(stream_of(unit.o))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        unit = self._unit
        down, across = unit.grid
        step = Signal()
        m.submodules.chunk = chunk = Counter(length=unit.chunks, tables=[first_of(unit.chunks)])
        m.submodules.column = column = Counter(
            length=len(across), tables=[first_of(len(across)), across]
        )
        m.submodules.row = row = Counter(length=len(down), tables=[first_of(len(down)), down])
        m.d.comb += [
            chunk.step.eq(step),
            column.step.eq(step & chunk.last),
            row.step.eq(column.step & column.last),
        ]
        inside = column.flags[1] & row.flags[1]
        waits = inside | (chunk.flags[0] & column.flags[0] & row.flags[0])
        free = ~self.o.valid | self.o.ready
        m.d.comb += [
            self.i.ready.eq(free & inside),
            step.eq(free & (self.i.valid | ~waits)),
        ]
        with m.If(free):
            m.d.sync += self.o.valid.eq(self.i.valid | ~waits)
        kept = Signal(unit.lanes * unit.output.bits, reset_less=True)
        border = self._border(unit.lanes)
        with m.If(step):
            m.d.sync += kept.eq(Mux(inside, self._elements(), border))
        m.d.comb += self.o.payload.as_value().eq(self._padded(kept))
        return m

    def _border(self, elements: int) -> Value:
        """So many elements of the border."""
        unit = self._unit
        bits = unit.output.bits
        stored = unit.layer.stored(unit.output) & ((1 << bits) - 1)
        return Const(stored, bits).replicate(elements)

    def _elements(self) -> Value:
        """The elements of an input beat as the output stores them."""
        unit, beat = self._unit, Value.cast(self.i.payload)
        stored = [beat[at : at + unit.i.bits] for at in range(0, len(beat), unit.i.bits)]
        return Cat(*(recoded(element, unit.input, unit.output) for element in stored))

    def _padded(self, kept: Signal) -> Value:
        """An output beat of what is kept of an input beat."""
        unit = self._unit
        if len(kept) == unit.o.width:
            return kept
        above, left, below, right = unit.layer.margins
        channels, row = unit.input.channels, unit.input.width * unit.input.channels
        bits = unit.output.bits
        lines = [kept[at * bits : (at + row) * bits] for at in range(0, unit.lanes, row)]
        found: list[Value] = []
        for line in lines:
            sides = (self._border(side * channels) for side in (left, right))
            found += [next(sides), line, next(sides)]
        if not unit.whole:
            return Cat(*found)
        wide = unit.output.width * channels
        return Cat(self._border(above * wide), *found, self._border(below * wide))
