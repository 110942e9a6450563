"""Keeping every other row and column."""

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from subbit.hw.shapes import stream_of
from subbit.sw.units.subsample import Subsample as SubsampleUnit

__all__ = ["Subsample"]


class Subsample(wiring.Component):
    """Passes pixels whose row and column are multiples of the stride; see its unit."""

    i: stream.Interface
    o: stream.Interface

    def __init__(self, unit: SubsampleUnit) -> None:
        self._unit = unit
        super().__init__({"i": In(stream_of(unit.i)), "o": Out(stream_of(unit.o))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        unit = self._unit
        limits = [unit.input.channels // unit.channels, unit.input.width, unit.input.height]
        _chunk, column, row = counters = [Signal(range(limit)) for limit in limits]
        passes = ((column % unit.stride) == 0) & ((row % unit.stride) == 0)
        m.d.comb += self.i.ready.eq(~passes | ~self.o.valid | self.o.ready)
        with m.If(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        step = self.i.valid & self.i.ready
        with m.If(step & passes):
            m.d.sync += [self.o.payload.eq(self.i.payload), self.o.valid.eq(1)]
        for counter, limit in zip(counters, limits, strict=True):
            last = counter == limit - 1
            with m.If(step):
                m.d.sync += counter.eq(0 if limit == 1 else counter + 1)
                with m.If(last):
                    m.d.sync += counter.eq(0)
            step = step & last
        return m
