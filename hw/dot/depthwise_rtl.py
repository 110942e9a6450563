"""Depthwise convolution: weights, a counter a channel, thresholds."""

from amaranth.hdl import Module, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from subbit.hw.dot.depthwise import DepthwiseUnit
from subbit.hw.dot.popcount_rtl import PopcountXnor
from subbit.hw.post.core_rtl import core_of
from subbit.hw.streams.credit_rtl import CreditQueue
from subbit.hw.streams.registers_rtl import registered, valid_stages
from subbit.hw.streams.shapes_rtl import stream_of
from subbit.hw.tables.rom_rtl import RomSequence

__all__ = ["Depthwise"]


class Depthwise(wiring.Component):
    """``o[c] = post(sum over l of w[c, l] * i[c, l])`` for ``unit.channels`` channels of a window a
    beat and ``unit.pixels`` windows side by side: ``i`` holds ``kh * kw`` codes of each channel,
    with a mask bit above each where zeros surround bipolar codes; ``o`` holds codes or two's
    complement integers.

    A pipeline that never stops: a table of weights, an XNOR-popcount for each channel, and
    thresholds or scale and offset. A beat enters if its result has room in the output queue.
    Latency: ``unit.stages + 1`` cycles. Interval: a beat a cycle.
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self, *, unit: DepthwiseUnit) -> None:
        self._unit = unit
        super().__init__({"i": In(stream_of(unit.i)), "o": Out(stream_of(unit.o))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        unit = self._unit
        m.submodules.queue = queue = CreditQueue(lanes=unit.o, depth=unit.depth)
        fire = self.i.valid & queue.room
        valid = valid_stages(m, fire, unit.stages, "valid")
        m.d.comb += [self.i.ready.eq(queue.room), queue.issue.eq(fire)]
        m.submodules.core = core = core_of(unit.core, unit.raw_max.bit_length())
        m.d.comb += core.step.eq(valid[unit.raw_stages - 1])
        for lane, raw in enumerate(self._raw_numbers(m, fire)):
            m.d.comb += core.x[lane].eq(raw)
        m.d.comb += [queue.push.eq(valid[-1]), queue.data.as_value().eq(core.y.as_value())]
        wiring.connect(m, queue.o, wiring.flipped(self.o))
        return m

    def _raw_numbers(self, m: Module, fire: Value) -> list[Value]:
        """The raw number of each channel of each pixel, ``raw_stages`` cycles after its beat."""
        unit, shape = self._unit, self._unit.popcount
        m.submodules.rom = rom = RomSequence(table=unit.rom, cycles=max(unit.rom_cycles, 1))
        m.d.comb += rom.step.eq(fire)
        x = registered(m, self.i.payload.as_value(), unit.rom_cycles)
        found: list[Value] = []
        for lane in range(unit.pixels * unit.channels):
            channel = lane % unit.channels
            m.submodules[f"popcount{lane}"] = popcount = PopcountXnor(shape=shape)
            lanes, bits = len(popcount.x), len(popcount.w)
            m.d.comb += [
                popcount.x.eq(x[lane * lanes : (lane + 1) * lanes]),
                popcount.w.eq(rom.data[channel * bits : (channel + 1) * bits]),
            ]
            raw: Value = popcount.count
            if unit.masked:
                raw = (raw << 1) + popcount.padding * unit.padding_weight
                raw = registered(m, raw[: unit.raw_max.bit_length()])
            found.append(raw)
        return found
