"""The sliding windows of a convolution."""

from itertools import product

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from subbit.hw.streams.delay_rtl import DelayLine
from subbit.hw.streams.registers_rtl import Stage, payload_register, registered, valid_stages
from subbit.hw.streams.replay_rtl import Replay
from subbit.hw.streams.sequence_rtl import Counter
from subbit.hw.streams.shapes_rtl import stream_of
from subbit.hw.window.wide_rtl import WideHistory, wide_pixels
from subbit.hw.window.window import WindowUnit

__all__ = ["LineBuffer", "Window", "WindowHistory"]


class LineBuffer(wiring.Component):
    """Pixels in, columns of as many pixels out as the kernel has rows, one for each column of a row
    that completes windows.

    ``i``: ``channels`` elements of a pixel, the first one lowest. ``o``: the same channels of the
    pixel and of those above it, as far apart as the kernel's rows, the topmost in the low bits;
    rows outside the tensor hold what the memory held before. A delay line of ``W * n`` words keeps
    all rows that a window covers but the last one. Latency: 1 cycle.
    Interval: ``max(H, last row of a window + 1) * W * n`` cycles, rows of padding below the tensor
    included. ``collision`` is high if the delay line reads a word while it writes it, which it
    never does.
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self, *, unit: WindowUnit) -> None:
        self._unit = unit
        self.collision = Signal()
        super().__init__(
            {
                "i": In(stream.Signature(unit.i.width)),
                "o": Out(stream.Signature(unit.column_bits)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        unit = self._unit
        takes, gives, used = unit.line_tables()
        m.submodules.columns = columns = Counter(
            length=unit.line_words, tables=[used.repeat(unit.chunks)]
        )
        m.submodules.rows = rows = Counter(length=unit.rows_run, tables=[takes, gives])
        take, give = rows.flags[0], rows.flags[1] & columns.flags[0]
        free = ~self.o.valid | self.o.ready
        step = (self.i.valid | ~take) & (free | ~give)
        payload = payload_register(m, self.o)
        column: Value = self.i.payload
        bits, above = unit.i.width, unit.window.reach[0] - 1
        if above:
            m.submodules.lines = lines = DelayLine(
                width=above * bits, depth=unit.line_words, memory=unit.memory
            )
            column = Cat(lines.q, self.i.payload)
            m.d.comb += [lines.step.eq(step), lines.d.eq(column[bits:])]
            m.d.comb += self.collision.eq(lines.collision)
        if (gap := unit.window.dilations[0]) > 1:
            column = Cat(*(column[at * bits : (at + 1) * bits] for at in range(0, above + 1, gap)))
        m.d.comb += [
            self.i.ready.eq(take & (free | ~give)),
            columns.step.eq(step),
            rows.step.eq(step & columns.last),
        ]
        with m.If(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.If(step & give):
            m.d.sync += [payload.eq(column), self.o.valid.eq(1)]
        return m


class WindowHistory(wiring.Component):
    """Columns in, windows of ``unit.span`` columns out, the leftmost in the low bits, those in the
    gaps of dilated windows left out.

    ``i``: columns of the line buffer. ``o``: windows whose elements outside the tensor have the
    padding's code; with masks, a bit for each row above each column says which ones are inside.
    With one chunk a register holds the last columns and is the output; else a delay line of ``n``
    words does. Latency: 1 cycle after the window's last column, 0 with several chunks. Interval:
    ``OH * columns.positions * n`` cycles. After a reset the padding left of the first row, which
    otherwise the row before brings, takes cycles of its own. ``collision`` is high if the delay
    line reads a word while it writes it, which it never does.
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self, *, unit: WindowUnit) -> None:
        self._unit = unit
        self.collision = Signal()
        super().__init__(
            {
                "i": In(stream.Signature(unit.column_bits)),
                "o": Out(stream.Signature(unit.replay.element.width)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        unit = self._unit
        m.submodules.chunks = chunks = Counter(length=unit.chunks)
        m.submodules.positions = positions = Counter(
            length=unit.columns.positions,
            tables=unit.position_tables()[: 2 if unit.columns.shared else 3],
        )
        m.submodules.rows = rows = Counter(length=unit.rows.outputs, tables=unit.rows_inside().T)
        # After a reset the padding left of the first row has yet to come: no row before brought it.
        left = Signal(range(unit.columns.brought + 1), init=unit.columns.brought)
        begun = left == 0
        data, emit = positions.flags[0] & begun, positions.flags[1] & begun
        waits = data if unit.columns.shared else positions.flags[2]
        inside = Mux(data, rows.flags, 0)  # which rows of this column are in the tensor
        column = self.padded(inside)
        bits = len(column)
        past_bits = (unit.span - 1) * bits
        step = Signal()
        if unit.chunks == 1:
            window = Signal(unit.span * bits, reset_less=True)
            can = ~self.o.valid | self.o.ready if unit.shifts_at_once else ~self.o.valid
            m.d.comb += self.o.payload.eq(self.used(window))
            with m.If(self.o.ready):
                m.d.sync += self.o.valid.eq(0)
            with m.If(step):
                m.d.sync += self.o.valid.eq(emit)
            delay = 1 if unit.payload_delay else 0
            newest = registered(m, column, delay)
            with m.If(valid_stages(m, step, delay, "step")[-1]):
                m.d.sync += window.eq(Cat(window, newest)[bits:])
        else:
            window = Signal(unit.span * bits)
            can = ~emit | self.o.ready
            m.d.comb += [
                self.o.payload.eq(self.used(window)),
                self.o.valid.eq(emit & (self.i.valid | ~data)),
                window.eq(column),
            ]
            if past_bits:
                m.submodules.past = past = DelayLine(
                    width=past_bits, depth=unit.chunks, memory=unit.buffers
                )
                m.d.comb += [
                    window.eq(Cat(past.q, column)),
                    past.d.eq(window[bits:]),
                    past.step.eq(step),
                    self.collision.eq(past.collision),
                ]
        m.d.comb += [
            step.eq((self.i.valid | ~waits) & can),
            self.i.ready.eq(data & can),
            chunks.step.eq(step),
            positions.step.eq(step & chunks.last & begun),
            rows.step.eq(positions.step & positions.last),
        ]
        with m.If(step & chunks.last & ~begun):
            m.d.sync += left.eq(left - 1)
        return m

    def used(self, window: Value) -> Value:
        """The columns of the window that are not in its gaps."""
        unit, bits = self._unit, self._unit.marked_bits
        if len(unit.used_columns) == unit.span:
            return window
        return Cat(*(window[at * bits : (at + 1) * bits] for at in unit.used_columns))

    def padded(self, inside: Value) -> Value:
        """The incoming column with padding where a row is not ``inside``, and the mask behind."""
        width = self._unit.i.width
        rows: list[Value] = [
            self.i.payload[at : at + width] for at in range(0, len(self.i.payload), width)
        ]
        if any(self._unit.window.pads):
            code = Const(self._unit.pad_code, unsigned(self._unit.input.bits))
            pad = code.replicate(self._unit.channels)
            rows = [Mux(inside[ky], row, pad) for ky, row in enumerate(rows)]
        return Cat(*rows, inside) if self._unit.masked else Cat(*rows)


class Window(wiring.Component):
    """``i``: pixels, ``unit.channels`` elements a beat. ``o``: for each output pixel its window,
    ``n`` beats of ``channels * kh * kw`` lanes in the order channel, row, column, ``unit.folds``
    times, of groups of channels those of one group after the other; with masks the top bit of a
    lane tells whether the element is inside the tensor.

    A line buffer makes columns of pixels, a history windows of columns, a replay repeats them.
    Latency: from the last beat of a window's last pixel to the first of its output beats 2 cycles
    without a replay (one chunk, one fold), else 3. Interval: ``unit.interval_cycles``.
    ``collision`` is high if any of the memories reads a word while it writes it, which they never
    do.
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self, *, unit: WindowUnit) -> None:
        self._unit = unit
        self.collision = Signal()
        super().__init__({"i": In(stream_of(unit.i)), "o": Out(stream_of(unit.o))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        sink, history, collision = self.front(m)
        valid, ready, payload = history.o.valid, history.o.ready, history.o.payload
        m.d.comb += self.collision.eq(collision)
        if self._unit.staged:
            stage = Stage(m, valid, ready)
            valid, ready, payload = stage.valid, stage.ready, stage.kept(payload)
        if not self._unit.direct:
            m.submodules.replay = replay = Replay(unit=self._unit.replay)
            m.d.comb += [
                replay.i.valid.eq(valid),
                replay.i.payload[0].eq(payload),
                ready.eq(replay.i.ready),
                self.collision.eq(collision | replay.collision),
            ]
            valid, ready, payload = replay.o.valid, replay.o.ready, replay.o.payload[0]
        m.d.comb += [
            sink.valid.eq(self.i.valid),
            sink.payload.eq(self.i.payload.as_value()),
            self.i.ready.eq(sink.ready),
            self.o.valid.eq(valid),
            self.o.payload.as_value().eq(Cat(*self.pixels(m, payload))),
            ready.eq(self.o.ready),
        ]
        return m

    def front(self, m: Module) -> tuple[stream.Interface, "WindowHistory | WideHistory", Value]:
        """What pixels go to, what windows come from, and the collisions of both."""
        if self._unit.wide:
            m.submodules.history = wide = WideHistory(unit=self._unit)
            return wide.i, wide, wide.collision
        m.submodules.lines = lines = LineBuffer(unit=self._unit)
        m.submodules.history = history = WindowHistory(unit=self._unit)
        wiring.connect(m, lines.o, history.i)
        return lines.i, history, lines.collision | history.collision

    def pixels(self, m: Module, window: Value) -> list[Signal]:
        """The window of each pixel, each lane with its mask bit, as signals: tools take very long
        over one concatenation of the bits of many pixels.
        """
        unit = self._unit
        if unit.wide:
            return wide_pixels(m, unit, window)
        stride = unit.window.strides[1]
        reach = range(0, unit.window.reach[1], unit.window.dilations[1])
        found = []
        for pixel in range(unit.pixels):
            columns = [unit.used_columns.index(pixel * stride + at) for at in reach]
            bits = self.lanes(window, columns)
            found.append(Signal(len(bits), name=f"pixel{pixel}"))
            m.d.comb += found[-1].eq(bits)
        return found

    def lanes(self, window: Value, columns: list[int]) -> Value:
        """The bits of those columns in the order channel, row, column."""
        unit, bits = self._unit, self._unit.input.bits
        rows = unit.window.kernel[0]
        parts: list[Value] = []
        for channel, ky, at in product(range(unit.channels), range(rows), columns):
            column = at * unit.marked_bits
            start = column + (ky * unit.channels + channel) * bits
            parts.append(window[start : start + bits])
            if unit.masked:
                parts.append(window[column + unit.column_bits + ky])
        return Cat(*parts)
