"""Global average pooling as sums over the map."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from subbit.hw.layers.globalavgpool import GlobalAvgPoolUnit
from subbit.hw.layers.sums_rtl import accumulated, outputs
from subbit.hw.streams.delay_rtl import DelayLine
from subbit.hw.streams.sequence_rtl import Counter
from subbit.hw.streams.shapes_rtl import stream_of

__all__ = ["GlobalAvgPool"]


class GlobalAvgPool(wiring.Component):
    """``o`` gives the sum of each channel of ``i`` over the map, ``unit.lanes`` channels a beat:
    codes or integers in, two's complement integers out.

    A delay line with a word for each beat of a pixel holds the sums so far; those of the last pixel
    go into the output register. ``i.ready`` is low only there, while a sum waits. Latency: 1 cycle
    after the last pixel's beat. Interval: ``H * W * C / lanes`` cycles. ``collision`` is high if
    the delay line reads a word while it writes it, which it never does.
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self, *, unit: GlobalAvgPoolUnit) -> None:
        self._unit = unit
        self.collision = Signal()
        super().__init__({"i": In(stream_of(unit.i)), "o": Out(stream_of(unit.o))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        unit, sums = self._unit, self._unit.sums
        start = [pixel == 0 for pixel in range(unit.map_pixels)]
        m.submodules.chunks = chunks = Counter(length=unit.chunks)
        m.submodules.pixels = pixels = Counter(length=unit.map_pixels, tables=[start])
        width = sums.bits * unit.lanes
        m.submodules.delay = delay = DelayLine(width=width, depth=unit.chunks, memory=unit.memory)
        numbers = accumulated(delay, self.i.payload, pixels.flags[0], sums.bits, sums.start)
        step = self.i.valid & self.i.ready
        m.d.comb += [
            self.i.ready.eq(~pixels.last | ~self.o.valid | self.o.ready),
            delay.step.eq(step),
            delay.d.eq(Cat(*numbers)),
            chunks.step.eq(step),
            pixels.step.eq(step & chunks.last),
            self.collision.eq(delay.collision),
        ]
        with m.If(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.If(step & pixels.last):
            m.d.sync += [
                self.o.payload.as_value().eq(outputs(sums, numbers)),
                self.o.valid.eq(1),
            ]
        return m
