"""The class with the greatest logit."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from subbit.hw.layers.argmax import ArgmaxUnit
from subbit.hw.streams.sequence_rtl import Counter
from subbit.hw.streams.shapes_rtl import stream_of

__all__ = ["Argmax"]


class Argmax(wiring.Component):
    """``o`` gives the logits of ``i``, one a beat, and after the last of a frame
    ``min{k : logit[k] = max(logits)}``, the index of the first greatest one.

    A logit is compared in the step after its own, in the output's register, as logits that come
    from a queue's memory are there late in the cycle. ``i.ready`` is low in the step of the index.
    Latency: 1 cycle. Interval: ``n + 1`` cycles for n logits.
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self, *, unit: ArgmaxUnit) -> None:
        self._unit = unit
        super().__init__({"i": In(stream_of(unit.i)), "o": Out(stream_of(unit.o))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        classes = self._unit.input.channels
        steps = range(classes + 1)
        m.submodules.steps = count = Counter(
            length=classes + 1, tables=[[k == 1 for k in steps], [k == classes for k in steps]]
        )
        second, end = count.flags[0], count.flags[1]
        logit, best = self.o.payload[0], Signal.like(self.i.payload[0])
        place, index = Signal(self._unit.index_bits), Signal(self._unit.index_bits)
        better, found = Signal(), Signal(self._unit.index_bits)
        free = ~self.o.valid | self.o.ready
        m.d.comb += [
            self.i.ready.eq(free & ~end),
            count.step.eq(free & (self.i.valid | end)),
            better.eq(second | (logit > best)),
            found.eq(Mux(better, place, index)),
        ]
        with m.If(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.If(count.step):
            m.d.sync += [
                logit.eq(Mux(end, found, self.i.payload[0])),
                self.o.valid.eq(1),
                place.eq(count.count),
                index.eq(found),
            ]
            with m.If(better):
                m.d.sync += best.eq(logit)
        return m
