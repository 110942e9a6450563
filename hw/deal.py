"""One pixel's outputs after the other's, from words of several outputs of several pixels."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from subbit.hw.pick import Pick
from subbit.hw.shapes import stream_of
from subbit.sw.units.deal import Deal as DealUnit

__all__ = ["Deal"]


class Deal(wiring.Component):
    """A register in front of a Pick, which block RAMs that feed it need; see its unit for the order
    of lanes.
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self, unit: DealUnit) -> None:
        self._unit = unit
        super().__init__({"i": In(stream_of(unit.i)), "o": Out(stream_of(unit.o))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        unit = self._unit
        m.submodules.pick = pick = Pick(unit)
        beat, bits = Signal(unit.i.width, reset_less=True), unit.o.bits * unit.pe
        full = Signal()
        parts = [beat[at : at + bits] for at in range(0, len(beat), bits)]
        dealt = Cat(*(Cat(*parts[pixel :: unit.pixels]) for pixel in range(unit.pixels)))
        m.d.comb += [
            pick.i.payload.as_value().eq(dealt),
            pick.i.valid.eq(full),
            self.i.ready.eq(~full | pick.i.ready),
        ]
        with m.If(self.i.ready):
            m.d.sync += [full.eq(self.i.valid), beat.eq(self.i.payload.as_value())]
        wiring.connect(m, pick.o, wiring.flipped(self.o))
        return m
