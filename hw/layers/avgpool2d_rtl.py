"""Average pooling as sums over windows."""

from collections.abc import Sequence

import numpy as np
from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from subbit.hw.layers.avgpool2d import AvgPool2dUnit
from subbit.hw.layers.sums_rtl import accumulated, outputs
from subbit.hw.streams.delay_rtl import DelayLine
from subbit.hw.streams.sequence_rtl import Counter
from subbit.hw.streams.shapes_rtl import stream_of

__all__ = ["AvgPool2d"]


class AvgPool2d(wiring.Component):
    """``o`` gives the sum over each window of the values of ``i``, ``unit.lanes`` channels a beat:
    codes or integers in, two's complement integers out.

    First sums along a row, then down the rows; windows that overlap have an accumulator each, a
    delay line with a word for each beat of a pixel, or of a row of windows. A register stands
    between the two and one behind them. Latency: 2 cycles after the last pixel of a window.
    Interval: ``H * W * C / lanes`` cycles. ``collision`` is high if a delay line reads a word while
    it writes it, which none ever does.
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self, *, unit: AvgPool2dUnit) -> None:
        self._unit = unit
        self.collision = Signal()
        super().__init__({"i": In(stream_of(unit.i)), "o": Out(stream_of(unit.o))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
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
        return m

    def _down(self, m: Module, row: data.View, valid: Value, take: Signal) -> None:
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
        x: data.View,
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
            delay = DelayLine(width=bits * self._unit.lanes, depth=words, memory=self._unit.memory)
            m.submodules[f"{name}{slot}"] = delay
            numbers = accumulated(delay, x, flags[slot], bits, start)
            m.d.comb += [delay.step.eq(step), delay.d.eq(Cat(*numbers))]
            with m.If(delay.collision):
                m.d.comb += self.collision.eq(1)
            ends = flags[slots + slot]
            pairs = zip(numbers, found, strict=True) if found else ()
            found = [Mux(ends, new, old) for new, old in pairs] or numbers
        return found
