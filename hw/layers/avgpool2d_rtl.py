"""Average pooling as sums over windows."""

from collections.abc import Sequence

import numpy as np
from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from subbit.hw.layers.avgpool2d import AvgPool2dUnit
from subbit.hw.layers.sums_rtl import accumulated, add_tree, outputs, pixels_of
from subbit.hw.streams.delay_rtl import DelayLine
from subbit.hw.streams.registers_rtl import Stage
from subbit.hw.streams.sequence_rtl import Counter
from subbit.hw.streams.shapes_rtl import stream_of

__all__ = ["AvgPool2d"]


class AvgPool2d(wiring.Component):
    """``o`` gives the sum over each window of the values of ``i``, ``unit.lanes`` elements a beat:
    codes or integers in, two's complement integers out.

    First sums along a row, then down the rows; windows that overlap have an accumulator each, a
    delay line with a word for each beat of a pixel, or of a row of windows. A register stands
    between the two and one behind them. Where a beat holds several pixels, a tree of
    ``unit.stages`` registers adds the columns of its windows in place of the first, and all numbers
    of a window where it holds several rows. Latency: 2 cycles after the last pixel of a window, or
    ``unit.stages + 1``. Interval: ``H * W * C / lanes`` cycles. ``collision`` is high if a delay
    line reads a word while it writes it, which none ever does.
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self, *, unit: AvgPool2dUnit) -> None:
        self._unit = unit
        self.collision = Signal()
        super().__init__({"i": In(stream_of(unit.i)), "o": Out(stream_of(unit.o))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        if self._unit.stages:
            self._add_tree(m)
        else:
            self._add_columns(m)
        return m

    def _add_tree(self, m: Module) -> None:
        """Several pixels a beat: the sums of their columns, or of whole windows, at once."""
        unit = self._unit
        ready, used = Signal(), self._used(m)
        stage = Stage(m, self.i.valid & used, ready)
        numbers, stage = add_tree(m, unit.tree, self._windows(), stage)
        m.d.comb += self.i.ready.eq(ready | ~used)
        if not unit.rows_within:
            self._down(m, numbers, stage.valid, stage.ready)
            return
        end = Stage(m, stage.valid, stage.ready)
        sums = [(unit.sums.start + number)[: unit.sums.bits].as_signed() for number in numbers]
        m.d.comb += [
            self.o.valid.eq(end.valid),
            self.o.payload.as_value().eq(end.kept(outputs(unit.sums, sums))),
            end.ready.eq(self.o.ready),
        ]

    def _used(self, m: Module) -> Value:
        """Whether some window covers the row of the beat."""
        unit, used = self._unit, self._unit.rows.used()
        if unit.rows_within or used.all():
            return Const(1)
        step = self.i.valid & self.i.ready
        m.submodules.beats = beats = Counter(length=unit.interval_cycles // unit.input.height)
        m.submodules.rows = rows = Counter(length=unit.input.height, tables=[used])
        m.d.comb += [beats.step.eq(step), rows.step.eq(step & beats.last)]
        return rows.flags[0]

    def _windows(self) -> list[list[Value]]:
        """The numbers of the beat that go into each sum: for each window, for each channel."""
        unit = self._unit
        kernel, stride, width = unit.layer.kernel, unit.layer.stride, unit.input.width
        pixels = pixels_of(self.i.payload, unit.input.channels)
        tall = kernel if unit.rows_within else 1
        return [
            [
                pixels[(y * stride + dy) * width + x * stride + dx][channel]
                for dy in range(tall)
                for dx in range(kernel)
            ]
            for y in range(unit.window_rows if unit.rows_within else 1)
            for x in range(unit.window_columns)
            for channel in range(unit.input.channels)
        ]

    def _add_columns(self, m: Module) -> None:
        """No more than a pixel a beat: accumulators in both directions."""
        unit, used = self._unit, self._unit.rows.used()
        begins, ends = unit.columns.tables()
        m.submodules.chunks = chunks = Counter(length=unit.chunks)
        m.submodules.columns = columns = Counter(
            length=unit.input.width, tables=[*begins, *ends, np.logical_or.reduce(ends)]
        )
        m.submodules.rows = rows = Counter(length=unit.input.height, tables=[used])
        shape = data.ArrayLayout(signed(unit.row_bits), unit.lanes)
        row = data.View(shape, Signal(shape.size, reset_less=True))
        row_valid, take_row = Signal(), Signal()
        self._down(m, row, row_valid, take_row)

        step, gives = self.i.valid & self.i.ready, columns.flags[-1] & rows.flags[0]
        numbers = self._sums(
            *(m, "along", self.i.payload, step, columns.flags, len(begins)),
            *(unit.chunks, unit.row_bits, 0),
        )
        m.d.comb += [
            self.i.ready.eq(~gives | ~row_valid | take_row),
            chunks.step.eq(step),
            columns.step.eq(step & chunks.last),
            rows.step.eq(step & chunks.last & columns.last),
        ]
        with m.If(take_row):
            m.d.sync += row_valid.eq(0)
        with m.If(step & gives):
            m.d.sync += [row.as_value().eq(Cat(*numbers)), row_valid.eq(1)]

    def _down(
        self, m: Module, row: data.View | Sequence[Value], valid: Value, take: Signal
    ) -> None:
        """Sums of the rows' sums, into the output."""
        unit, used = self._unit, self._unit.rows.used()
        begins, ends = (table[:, used] for table in unit.rows.tables())
        m.submodules.words = words = Counter(length=unit.line_words)
        m.submodules.lines = lines = Counter(
            length=int(used.sum()), tables=[*begins, *ends, np.logical_or.reduce(ends)]
        )
        gives, free = lines.flags[-1], ~self.o.valid | self.o.ready
        numbers = self._sums(
            *(m, "down", row, take, lines.flags, len(begins)),
            *(unit.line_words, unit.sums.bits, unit.sums.start),
        )
        m.d.comb += [
            take.eq(valid & (free | ~gives)),
            words.step.eq(take),
            lines.step.eq(take & words.last),
        ]
        with m.If(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.If(take & gives):
            m.d.sync += [
                self.o.payload.as_value().eq(outputs(unit.sums, numbers)),
                self.o.valid.eq(1),
            ]

    def _sums(
        self,
        m: Module,
        name: str,
        x: data.View | Sequence[Value],
        step: Value,
        flags: Value,
        slots: int,
        words: int,
        bits: int,
        start: int,
    ) -> Sequence[Value]:
        """The lanes' numbers of the accumulator whose window ends, of ``slots`` ones; ``flags``:
        for each whether a window of its begins, then whether one ends.
        """
        found: list[Value] = []
        for slot in range(slots):
            delay = DelayLine(width=bits * len(x), depth=words, memory=self._unit.memory)
            m.submodules[f"{name}{slot}"] = delay
            numbers = accumulated(delay, x, flags[slot], bits, start)
            m.d.comb += [delay.step.eq(step), delay.d.eq(Cat(*numbers))]
            with m.If(delay.collision):
                m.d.comb += self.collision.eq(1)
            ends = flags[slots + slot]
            pairs = zip(numbers, found, strict=True) if found else ()
            found = [Mux(ends, new, old) for new, old in pairs] or numbers
        return found
