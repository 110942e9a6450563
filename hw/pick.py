"""One pixel's outputs after the other's, from an engine that computes several at once."""

from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from subbit.hw.pipe import payload_register
from subbit.hw.sequence import Counter
from subbit.hw.shapes import stream_of
from subbit.sw.units.pick import Pick as PickUnit

__all__ = ["Pick"]


class Pick(wiring.Component):
    """Of each beat the part of one pixel; see its unit for the order and the cycles."""

    i: stream.Interface
    o: stream.Interface

    def __init__(self, unit: PickUnit) -> None:
        self._unit = unit
        super().__init__({"i": In(stream_of(unit.i)), "o": Out(stream_of(unit.o))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        unit = self._unit
        payload = payload_register(m, self.o)
        m.submodules.passes = passes = Counter(unit.passes)
        m.submodules.pixel = pixel = Counter(unit.pixels)
        m.d.comb += [
            self.i.ready.eq(~self.o.valid | self.o.ready),
            passes.step.eq(self.i.valid & self.i.ready),
            pixel.step.eq(passes.step & passes.last),
        ]
        part = self.i.payload.as_value().word_select(pixel.count, unit.pixel.width)
        with m.If(self.i.ready):
            m.d.sync += [self.o.valid.eq(self.i.valid), payload.eq(part)]
        return m
