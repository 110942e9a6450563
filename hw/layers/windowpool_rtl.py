"""Pooling over windows that may overlap."""

from abc import abstractmethod
from collections.abc import Sequence

import numpy as np
from amaranth.hdl import Cat, Const, Module, Mux, Shape, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from subbit.hw.layers.windowpool import WindowPoolUnit
from subbit.hw.streams.delay_rtl import DelayLine
from subbit.hw.streams.registers_rtl import Stage
from subbit.hw.streams.sequence_rtl import Counter
from subbit.hw.streams.shapes_rtl import stream_of

__all__ = ["WindowPool"]


class WindowPool(wiring.Component):
    """Base: ``o`` gives a number for each window of ``i``, ``unit.lanes`` elements a beat.

    First numbers are combined along a row, then down the rows; windows that overlap have an
    accumulator each, a delay line with a word for each beat of a pixel, or of a row of windows. A
    register stands between the two and one behind them. Where a beat holds several pixels, a tree
    of ``unit.stages`` registers combines the columns of its windows in place of the first, and all
    numbers of a window where it holds several rows. Where windows end in the padding behind the
    last one, steps that take nothing give them. Latency: 2 cycles after the last pixel of a window,
    or ``unit.stages + 1``. Interval: ``H * W * C / lanes`` cycles, or those steps more.
    ``collision`` is high if a delay line reads a word while it writes it, which none ever does.
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self, *, unit: WindowPoolUnit) -> None:
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

    @abstractmethod
    def element(self, lane: int) -> Value:
        """An element of the input as the number that is combined."""

    @abstractmethod
    def combined(self, held: Value, x: Value, first: Value, *, down: bool) -> Value:
        """``x`` and what an accumulator holds, or ``x`` alone where it is the ``first`` one;
        ``down``: of numbers of rows.
        """

    @abstractmethod
    def tree(
        self, m: Module, windows: Sequence[Sequence[Value]], stage: Stage
    ) -> tuple[list[Value], Stage]:
        """Each window's elements combined through registers, and the last one of their way."""

    @abstractmethod
    def beside(self, elements: Sequence[Value]) -> Value:
        """What stands for an element of the padding among the elements of a window."""

    @abstractmethod
    def finished(self, numbers: Sequence[Value], *, rows: bool) -> Value:
        """The output's payload for finished numbers, which are still without what accumulators of
        ``rows`` add.
        """

    def _add_tree(self, m: Module) -> None:
        """Several pixels a beat: their columns, or whole windows, at once."""
        unit = self._unit
        ready, used = Signal(), self._used(m)
        stage = Stage(m, self.i.valid & used, ready)
        numbers, stage = self.tree(m, self._windows(), stage)
        m.d.comb += self.i.ready.eq(ready | ~used)
        if not unit.rows_within:
            self._down(m, numbers, stage.valid, stage.ready)
            return
        end = Stage(m, stage.valid, stage.ready)
        m.d.comb += [
            self.o.valid.eq(end.valid),
            self.o.payload.as_value().eq(end.kept(self.finished(numbers, rows=False))),
            end.ready.eq(self.o.ready),
        ]

    def _used(self, m: Module) -> Value:
        """Whether some window covers the row of the beat."""
        unit, used = self._unit, self._unit.rows.used()[: self._unit.input.height]
        if unit.rows_within or used.all():
            return Const(1)
        step = self.i.valid & self.i.ready
        beats_of_row = unit.input.elements // unit.lanes // unit.input.height
        m.submodules.beats = beats = Counter(length=beats_of_row)
        m.submodules.rows = rows = Counter(length=unit.input.height, tables=[used])
        m.d.comb += [beats.step.eq(step), rows.step.eq(step & beats.last)]
        return rows.flags[0]

    def _windows(self) -> list[list[Value]]:
        """The numbers of the beat that go into each window: for each window, for each channel."""
        channels = self._unit.input.channels
        found = []
        for pixels in self._unit.places():
            for channel in range(channels):
                real = {p: self.element(p * channels + channel) for p in pixels if p is not None}
                beside = self.beside(list(real.values()))
                found.append([beside if p is None else real[p] for p in pixels])
        return found

    def _add_columns(self, m: Module) -> None:
        """No more than a pixel a beat: accumulators in both directions."""
        unit = self._unit
        (begins, ends), takes = unit.columns.tables(), unit.columns.takes()
        m.submodules.chunks = chunks = Counter(length=unit.chunks)
        m.submodules.columns = columns = Counter(
            length=unit.columns.positions,
            tables=[*begins, *ends, np.logical_or.reduce(ends), takes],
        )
        used = unit.rows.used()[: unit.input.height]
        m.submodules.rows = rows = Counter(length=unit.input.height, tables=[used])
        elements = [self.element(lane) for lane in range(unit.lanes)]
        shape = Shape(unit.row_bits, signed=self.signed)
        row = [Signal(shape, name=f"row{lane}", reset_less=True) for lane in range(unit.lanes)]
        row_valid, take_row = Signal(), Signal()
        self._down(m, row, row_valid, take_row)

        take, gives = columns.flags[-1], columns.flags[-2] & rows.flags[0]
        free = ~gives | ~row_valid | take_row
        step = (self.i.valid | ~take) & free
        numbers = self._accumulated(
            m, "along", elements, step, columns.flags, len(begins), unit.chunks, take
        )
        m.d.comb += [
            self.i.ready.eq(take & free),
            chunks.step.eq(step),
            columns.step.eq(step & chunks.last),
            rows.step.eq(step & chunks.last & columns.last),
        ]
        with m.If(take_row):
            m.d.sync += row_valid.eq(0)
        with m.If(step & gives):
            m.d.sync += row_valid.eq(1)
            m.d.sync += [kept.eq(new) for kept, new in zip(row, numbers, strict=True)]

    def _down(self, m: Module, row: Sequence[Value], valid: Value, take: Signal) -> None:
        """The rows' numbers combined, into the output; drives when a row is taken."""
        unit = self._unit
        begins, ends, takes = unit.down_tables()
        m.submodules.words = words = Counter(length=unit.line_words)
        m.submodules.lines = lines = Counter(
            length=len(takes), tables=[*begins, *ends, np.logical_or.reduce(ends), takes]
        )
        real, gives, free = lines.flags[-1], lines.flags[-2], ~self.o.valid | self.o.ready
        step = (valid | ~real) & (free | ~gives)
        numbers = self._accumulated(
            m, "down", row, step, lines.flags, len(begins), unit.line_words, real, down=True
        )
        m.d.comb += [
            take.eq(step & real),
            words.step.eq(step),
            lines.step.eq(step & words.last),
        ]
        with m.If(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.If(step & gives):
            m.d.sync += [
                self.o.payload.as_value().eq(self.finished(numbers, rows=True)),
                self.o.valid.eq(1),
            ]

    def _accumulated(
        self,
        m: Module,
        name: str,
        x: Sequence[Value],
        step: Value,
        flags: Value,
        slots: int,
        words: int,
        takes: Value,
        *,
        down: bool = False,
    ) -> Sequence[Value]:
        """The lanes' numbers of the accumulator whose window ends, of ``slots`` ones; ``flags``:
        for each whether a window of its begins, then whether one ends; ``takes``: whether there is
        a number, and not only what the accumulators hold.
        """
        unit = self._unit
        bits = unit.full_bits if down else unit.row_bits
        real = (unit.rows if down else unit.columns).takes().all()
        found: list[Value] = []
        for slot in range(slots):
            delay = DelayLine(width=bits * len(x), depth=words, memory=unit.memory)
            m.submodules[f"{name}{slot}"] = delay
            numbers: list[Value] = []
            for lane, number in enumerate(x):
                held: Value = delay.q[lane * bits : (lane + 1) * bits]
                held = held.as_signed() if self.signed else held
                new = self.combined(held, number, flags[slot], down=down)
                new = new[:bits].as_signed() if self.signed else new[:bits]
                numbers.append(new if real else Mux(takes, new, held))
            m.d.comb += [delay.step.eq(step), delay.d.eq(Cat(*numbers))]
            with m.If(delay.collision):
                m.d.comb += self.collision.eq(1)
            ends = flags[slots + slot]
            pairs = zip(numbers, found, strict=True) if found else ()
            found = [Mux(ends, new, old) for new, old in pairs] or numbers
        return found

    @property
    @abstractmethod
    def signed(self) -> bool:
        """Whether combined numbers are signed."""
