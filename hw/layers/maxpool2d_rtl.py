"""2x2 max pooling."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from subbit.hw.contract.unit import Lanes
from subbit.hw.layers.maxpool2d import MaxPool2dUnit
from subbit.hw.streams.delay_rtl import DelayLine
from subbit.hw.streams.registers_rtl import payload_register
from subbit.hw.streams.sequence_rtl import Counter
from subbit.hw.streams.shapes_rtl import lanes_layout, stream_of

__all__ = ["MaxPool2d"]


def greater(lanes: Lanes, a: Value, b: Value) -> Value:
    """The greater of each lane; of single bits that is their OR."""
    if lanes.bits == 1 and not lanes.signed:
        return a | b
    layout = lanes_layout(lanes)
    pairs = zip(data.View(layout, a), data.View(layout, b), strict=True)
    return Cat(*(Mux(x > y, x, y) for x, y in pairs))


class MaxPool2d(wiring.Component):
    """``o`` gives the greatest of each 2x2 block of pixels of ``i``, ``unit.lanes`` channels a
    beat, as codes or integers like those of ``i``.

    First the greater of two columns, then of two rows; each keeps its first operand in a delay
    line. A register stands between the two and one behind them. Latency: 2 cycles after the last
    pixel of the block. Interval: ``H * W * C / lanes`` cycles. ``collision`` is high if a delay
    line reads a word while it writes it, which none ever does.
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self, *, unit: MaxPool2dUnit) -> None:
        self._unit = unit
        self.collision = Signal()
        super().__init__({"i": In(stream_of(unit.i)), "o": Out(stream_of(unit.o))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        unit = self._unit
        width, height = unit.input.width, unit.input.height
        odd = [x % 2 == 1 for x in range(max(width, height))]
        used = [y < height // 2 * 2 for y in range(height)]
        m.submodules.chunks = chunks = Counter(length=unit.chunks)
        m.submodules.columns = columns = Counter(length=width, tables=[odd[:width]])
        m.submodules.rows = rows = Counter(length=height, tables=[used])
        m.submodules.pairs = pairs = Counter(length=unit.line_words)
        m.submodules.pair_rows = pair_rows = Counter(length=2, tables=[odd[:2]])
        m.submodules.column = column = DelayLine(
            width=unit.i.width, depth=unit.chunks, memory=unit.memory
        )
        m.submodules.line = line = DelayLine(
            width=unit.i.width, depth=unit.line_words, memory=unit.memory
        )
        pair, pair_valid = Signal(unit.i.width, reset_less=True), Signal()
        payload = payload_register(m, self.o)

        free = ~self.o.valid | self.o.ready
        take_pair = pair_valid & (free | ~pair_rows.flags[0])
        best = greater(unit.i, line.q, pair)
        m.d.comb += [
            line.step.eq(take_pair),
            line.d.eq(pair),
            pairs.step.eq(take_pair),
            pair_rows.step.eq(take_pair & pairs.last),
        ]
        with m.If(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.If(take_pair & pair_rows.flags[0]):
            m.d.sync += [payload.eq(best), self.o.valid.eq(1)]

        gives = columns.flags[0] & rows.flags[0]
        step = self.i.valid & self.i.ready
        m.d.comb += [
            self.i.ready.eq(~gives | ~pair_valid | take_pair),
            column.step.eq(step),
            column.d.eq(self.i.payload.as_value()),
            chunks.step.eq(step),
            columns.step.eq(step & chunks.last),
            rows.step.eq(step & chunks.last & columns.last),
            self.collision.eq(column.collision | line.collision),
        ]
        with m.If(take_pair):
            m.d.sync += pair_valid.eq(0)
        with m.If(step & gives):
            m.d.sync += [
                pair.eq(greater(unit.i, column.q, self.i.payload.as_value())),
                pair_valid.eq(1),
            ]
        return m
