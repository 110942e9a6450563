"""2x2 max pooling."""

from collections.abc import Sequence

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from subbit.hw.contract.unit import Lanes
from subbit.hw.layers.maxpool2d import MaxPool2dUnit
from subbit.hw.streams.delay_rtl import DelayLine
from subbit.hw.streams.registers_rtl import Stage, payload_register
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


def halved(lanes: Lanes, parts: Sequence[Value]) -> list[Value]:
    """The greater of the parts 0 and 1, of 2 and 3 and so on, lane by lane; a last odd part is
    dropped.
    """
    return [greater(lanes, a, b) for a, b in zip(parts[::2], parts[1::2], strict=False)]


def cut(value: Value, parts: int) -> list[Value]:
    """So many equal parts, that of the lowest bits first."""
    bits = len(value) // parts
    return [value[part * bits : (part + 1) * bits] for part in range(parts)]


class MaxPool2d(wiring.Component):
    """``o`` gives the greatest of each 2x2 block of pixels of ``i``, ``unit.lanes`` elements a
    beat, as codes or integers like those of ``i``.

    Where a beat holds both columns of its blocks, the greatest of a block goes into the output
    register at once, of elements of more than 2 bits through a register between columns and rows; a
    delay line keeps the first row of each pair, unless the beat holds that too. Elsewhere first the
    greater of two columns, then of two rows; each keeps its first operand in a delay line, and a
    register stands between the two and one behind them. Latency: 1 cycle after the last beat of the
    block, 2 with a register between. Interval: ``H * W * C / lanes`` cycles. ``collision`` is high
    if a delay line reads a word while it writes it, which none ever does.
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self, *, unit: MaxPool2dUnit) -> None:
        self._unit = unit
        self.collision = Signal()
        super().__init__({"i": In(stream_of(unit.i)), "o": Out(stream_of(unit.o))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        if self._unit.columns_within:
            self._add_blocks(m)
        else:
            self._add_columns(m)
        return m

    def _add_blocks(self, m: Module) -> None:
        """Both columns in a beat: columns and rows at once."""
        unit = self._unit
        rows, columns = unit.run_rows, unit.run_columns
        payload, free = payload_register(m, self.o), ~self.o.valid | self.o.ready
        valid, ready, gives = self.i.valid, self.i.ready, Value.cast(1)
        pixel = Lanes(unit.input.channels, unit.input.bits, unit.input.signed)
        pairs: list[Value] = [
            Cat(*halved(pixel, cut(row, columns))) for row in cut(self.i.payload.as_value(), rows)
        ]
        if unit.parted:
            stage = Stage(m, valid, ready)
            pairs = [stage.kept(row) for row in pairs]
            valid, ready = stage.valid, stage.ready
        step = valid & ready
        row = Lanes(unit.pair_lanes // rows, pixel.bits, pixel.signed)
        if not unit.rows_within:
            above, gives = self._kept(m, step, Cat(*pairs))
            pairs = cut(above, rows) + pairs
        m.d.comb += ready.eq(free | ~gives)
        with m.If(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.If(step & gives):
            m.d.sync += [payload.eq(Cat(*halved(row, pairs))), self.o.valid.eq(1)]

    def _kept(self, m: Module, step: Value, pairs: Value) -> tuple[Value, Value]:
        """``pairs`` of the beat as many rows above as a beat has, and whether that one has the
        first half of this one's blocks.
        """
        unit = self._unit
        groups = unit.input.height // unit.run_rows
        odd = [group % 2 == 1 for group in range(groups)]
        m.submodules.words = words = Counter(length=unit.line_words)
        m.submodules.rows = rows = Counter(length=groups, tables=[odd])
        m.submodules.line = line = DelayLine(
            width=len(pairs), depth=unit.line_words, memory=unit.memory
        )
        m.d.comb += [
            words.step.eq(step),
            rows.step.eq(step & words.last),
            line.step.eq(step),
            line.d.eq(pairs),
            self.collision.eq(line.collision),
        ]
        return line.q, rows.flags[0]

    def _add_columns(self, m: Module) -> None:
        """The columns of a block in two beats: columns first, then rows."""
        unit = self._unit
        width, height = unit.input.width // unit.run_columns, unit.input.height
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
            run, now = unit.run_columns, self.i.payload.as_value()
            part = Lanes(unit.lanes // run, unit.i.bits, unit.i.signed)
            both = halved(part, [*cut(column.q, run), *cut(now, run)])
            m.d.sync += [pair.eq(Cat(*both)), pair_valid.eq(1)]
