"""Global average pooling as sums over the map."""

from collections.abc import Sequence

from amaranth.hdl import Cat, Const, Module, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from subbit.hw.layers.globalavgpool import GlobalAvgPoolUnit
from subbit.hw.layers.sums_rtl import accumulated, add_tree, outputs, pixels_of
from subbit.hw.streams.delay_rtl import DelayLine
from subbit.hw.streams.registers_rtl import Stage
from subbit.hw.streams.sequence_rtl import Counter
from subbit.hw.streams.shapes_rtl import stream_of

__all__ = ["GlobalAvgPool"]


class GlobalAvgPool(wiring.Component):
    """``o`` gives the sum of each channel of ``i`` over the map, some channels a beat: codes or
    integers in, two's complement integers out. ``i``: ``unit.lanes`` elements a beat.

    Where a beat holds several pixels, a tree of ``unit.stages`` registers adds them. A delay line
    with a word for each beat of a pixel holds the sums so far; those of the last pixels go into the
    output register. That is not ready for them only while a sum waits. Latency: 1 cycle after the
    last pixel's beat, and ``unit.stages`` more. Interval: ``H * W * C / lanes`` cycles.
    ``collision`` is high if the delay line reads a word while it writes it, which it never does.
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
        numbers, valid, ready = self.i.payload, self.i.valid, self.i.ready
        if unit.stages:
            pixels = pixels_of(self.i.payload, unit.input.channels)
            stage = Stage(m, valid, ready)
            numbers, stage = add_tree(m, unit.tree, list(zip(*pixels, strict=True)), stage)
            valid, ready = stage.valid, stage.ready
        step, free = valid & ready, ~self.o.valid | self.o.ready
        if unit.whole:
            last: Value = Const(1)
            numbers = [(sums.start + x)[: sums.bits].as_signed() for x in numbers]
            m.d.comb += ready.eq(free)
        else:
            last, numbers = self._so_far(m, numbers, ready, step)
        with m.If(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.If(step & last):
            m.d.sync += [
                self.o.payload.as_value().eq(outputs(sums, numbers)),
                self.o.valid.eq(1),
            ]
        return m

    def _so_far(
        self, m: Module, x: data.View | Sequence[Value], ready: Value, step: Value
    ) -> tuple[Value, Sequence[Value]]:
        """Whether these are the last numbers of a frame, and the sums with them; drives their
        ``ready``.
        """
        unit, sums = self._unit, self._unit.sums
        start = [beat == 0 for beat in range(unit.pixel_beats)]
        m.submodules.chunks = chunks = Counter(length=unit.chunks)
        m.submodules.pixels = pixels = Counter(length=unit.pixel_beats, tables=[start])
        width = sums.bits * unit.o.lanes
        m.submodules.delay = delay = DelayLine(width=width, depth=unit.chunks, memory=unit.memory)
        numbers = accumulated(delay, x, pixels.flags[0], sums.bits, sums.start)
        m.d.comb += [
            ready.eq(~pixels.last | ~self.o.valid | self.o.ready),
            delay.step.eq(step),
            delay.d.eq(Cat(*numbers)),
            chunks.step.eq(step),
            pixels.step.eq(step & chunks.last),
            self.collision.eq(delay.collision),
        ]
        return pixels.last, numbers
