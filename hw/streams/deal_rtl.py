"""One pixel's outputs after the other's, from an engine that computes several at once."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from subbit.hw.streams.deal import DealUnit
from subbit.hw.streams.registers_rtl import payload_register
from subbit.hw.streams.sequence_rtl import Counter
from subbit.hw.streams.shapes_rtl import stream_of

__all__ = ["Deal"]


class Deal(wiring.Component):
    """``o`` is the part of one pixel of each beat of ``i``: that of the first pixel for
    ``unit.passes`` beats, then that of the second one, and so on.

    The choice among the ``unit.pixels`` parts stands between two registers, as block RAMs that feed
    it give their data late in the cycle. Latency: 2 cycles. Interval: a beat a cycle.

    With 2 pixels and 2 passes, AB and CD the parts of pixels 0 and 1 in each beat (B, D of pixel
    1)::

        cycle        0    1    2    3    4    5
        i.payload   BA   DC   BA   DC    -    -      the group twice
        o.valid      0    0    1    1    1    1
        o.payload    -    -    A    C    B    D      pixel 0 in both passes, then pixel 1
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self, *, unit: DealUnit) -> None:
        self._unit = unit
        super().__init__({"i": In(stream_of(unit.i)), "o": Out(stream_of(unit.o))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        unit = self._unit
        beat, bits = Signal(unit.i.width, reset_less=True), unit.o.bits * unit.pe
        full, moves = Signal(), Signal()
        payload = payload_register(m, self.o)
        m.submodules.passes = passes = Counter(length=unit.passes)
        m.submodules.pixel = pixel = Counter(length=unit.pixels)
        m.d.comb += [
            moves.eq(~self.o.valid | self.o.ready),
            self.i.ready.eq(~full | moves),
            passes.step.eq(full & moves),
            pixel.step.eq(passes.step & passes.last),
        ]
        parts = [beat[at : at + bits] for at in range(0, len(beat), bits)]
        dealt = Cat(*(Cat(*parts[first :: unit.pixels]) for first in range(unit.pixels)))
        with m.If(self.i.ready):
            m.d.sync += [full.eq(self.i.valid), beat.eq(self.i.payload.as_value())]
        with m.If(moves):
            part = dealt.word_select(pixel.count, unit.pixel.width)
            m.d.sync += [self.o.valid.eq(full), payload.eq(part)]
        return m
