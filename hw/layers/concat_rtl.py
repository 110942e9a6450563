"""The channels of several streams, one behind the other."""

from functools import reduce
from operator import or_

from amaranth.hdl import Cat, Module, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from subbit.hw.layers.concat import ConcatUnit
from subbit.hw.layers.recoding_rtl import recoded
from subbit.hw.streams.registers_rtl import payload_register
from subbit.hw.streams.sequence_rtl import Counter
from subbit.hw.streams.shapes_rtl import stream_of
from subbit.sw.ir.types import TensorType

__all__ = ["Concat"]


class Concat(wiring.Component):
    """``o`` gives of each pixel the channels from ``i0``, then those from ``i1``, and so on, as
    elements of one type: codes are widened, or become integers, and keep their values.

    Where ``unit.in_turn``, a beat is taken from one stream alone, as a counter of the beats of a
    pixel says; the others wait. Else a beat of every stream is taken at once: the same pixels of
    all parts. Either way through the output register. Latency: 1 cycle. Interval: a beat a cycle.
    """

    i0: stream.Interface
    o: stream.Interface

    def __init__(self, *, unit: ConcatUnit) -> None:
        self._unit = unit
        inputs = {port: In(stream_of(lanes)) for port, lanes in unit.inputs.items()}
        super().__init__({**inputs, "o": Out(stream_of(unit.o))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        payload = payload_register(m, self.o)
        free = ~self.o.valid | self.o.ready
        streams = [getattr(self, port) for port in self._unit.inputs]
        beats = [self._recoded(*pair) for pair in zip(streams, self._unit.parts, strict=True)]
        if self._unit.in_turn:
            valid, beat = self._chosen(m, free, streams, beats)
        else:
            valid, beat = self._joined(m, free, streams, beats)
        with m.If(free):
            m.d.sync += [self.o.valid.eq(valid), payload.eq(beat)]
        return m

    def _recoded(self, port: stream.Interface, part: TensorType) -> list[Value]:
        """The elements of a stream's beat as the whole stores them."""
        elements = Value.cast(port.payload)
        stored = [elements[at : at + part.bits] for at in range(0, len(elements), part.bits)]
        return [recoded(element, part, self._unit.whole) for element in stored]

    def _joined(
        self, m: Module, free: Value, streams: list[stream.Interface], beats: list[list[Value]]
    ) -> tuple[Value, Value]:
        """Valid and payload where a beat of each stream is taken at once."""
        every = Cat(port.valid for port in streams).all()
        m.d.comb += [port.ready.eq(free & every) for port in streams]
        pixels = self._unit.beat_pixels
        parts: list[Value] = []
        for pixel in range(pixels):
            for beat in beats:
                count = len(beat) // pixels
                parts += beat[pixel * count : (pixel + 1) * count]
        return every, Cat(*parts)

    def _chosen(
        self, m: Module, free: Value, streams: list[stream.Interface], beats: list[list[Value]]
    ) -> tuple[Value, Value]:
        """Valid and payload where each stream has its turn."""
        turns, numbers = self._unit.turns, range(len(streams))
        m.submodules.turn = count = Counter(
            length=len(turns), tables=[[turn == k for turn in turns] for k in numbers]
        )
        mine = [count.flags[k] for k in numbers]
        valid = reduce(or_, (mine[k] & streams[k].valid for k in numbers))
        m.d.comb += [streams[k].ready.eq(free & mine[k]) for k in numbers]
        m.d.comb += count.step.eq(free & valid)
        chosen = [mine[k].replicate(self._unit.o.width) & Cat(*beats[k]) for k in numbers]
        return valid, reduce(or_, chosen)
