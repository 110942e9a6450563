"""Some channels of a stream's pixels, as far as they stay in order."""

from amaranth.hdl import Cat, Module, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from subbit.hw.layers.select import SelectUnit
from subbit.hw.streams.registers_rtl import payload_register
from subbit.hw.streams.sequence_rtl import Counter
from subbit.hw.streams.shapes_rtl import stream_of

__all__ = ["Select"]


class Select(wiring.Component):
    """``o`` gives the channels of ``unit.layer`` of the pixels on ``i``.

    Of beats of whole pixels the selected elements go to the output register. Where a beat is part
    of a pixel, a counter says which parts pass; the others are taken whether the register is free
    or not, and dropped. Latency: 1 cycle. Interval: an input beat a cycle.
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self, *, unit: SelectUnit) -> None:
        self._unit = unit
        super().__init__({"i": In(stream_of(unit.i)), "o": Out(stream_of(unit.o))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        unit = self._unit
        payload = payload_register(m, self.o)
        m.submodules.part = part = Counter(length=unit.chunks, tables=[unit.passes])
        passes, free = part.flags[0], ~self.o.valid | self.o.ready
        m.d.comb += [
            self.i.ready.eq(free | ~passes),
            part.step.eq(self.i.valid & self.i.ready),
        ]
        with m.If(free):
            m.d.sync += [self.o.valid.eq(self.i.valid & passes), payload.eq(self._selected())]
        return m

    def _selected(self) -> Value:
        """The elements of a beat that pass."""
        unit, beat = self._unit, Value.cast(self.i.payload)
        if not unit.whole:
            return beat
        bits, channels = unit.i.bits, unit.input.channels
        places = [
            pixel * channels + int(c)
            for pixel in range(unit.beat_pixels)
            for c in unit.layer.channels
        ]
        return Cat(*(beat[at * bits : (at + 1) * bits] for at in places))
