"""Windows over beats of several pixels."""

from collections.abc import Sequence
from itertools import product

import numpy as np
from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from subbit.hw.streams.delay_rtl import DelayLine
from subbit.hw.streams.registers_rtl import registered, valid_stages
from subbit.hw.streams.sequence_rtl import Counter
from subbit.hw.window.aside_rtl import FirstAside
from subbit.hw.window.window import WindowUnit

__all__ = ["WideHistory", "chosen", "wide_pixels"]


class WideHistory(wiring.Component):
    """``i``: beats of ``unit.input_pixels`` pixels, the first one lowest. ``o``: the pixels that
    the windows of a beat cover together, but for the gaps of dilated ones, row after row from the
    top, left to right, each with its channels, and with masks the mask bit on top.

    The last cells are kept in registers; see ``WideShape`` and ``LineSchedule``. Where a cell is a
    column, a delay line keeps the rows above, and a register is reset to the padding's code where
    it is above or below the tensor; what lies beyond the ends of a line is replaced as it leaves.

    Control goes by steps: three counters tell which state of the line it is, which line of the
    frame, and which group of windows is next. The data follow ``unit.history_delay`` cycles later.
    Latency: 1 cycle. Interval: ``len(unit.wide.steps)`` cycles. ``collision`` is high if the delay
    line reads a word while it writes it, which it never does.
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self, *, unit: WindowUnit) -> None:
        assert unit.wide
        self._unit, self._shape = unit, unit.wide
        self.collision = Signal()
        super().__init__(
            {
                "i": In(stream.Signature(unit.i.width)),
                "o": Out(stream.Signature(unit.replay.element.width)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        unit, shape, delay = self._unit, self._shape, self._unit.history_delay
        rows, states, groups = self.counters(m)
        aside = self.aside(m)
        source = aside.o if aside else self.i
        again = Signal()  # a further group of the same state
        step, shift, push = Signal(), Signal(), Signal()
        take = ~again & states.flags[2] & rows.flags[0]
        can = ~self.o.valid | self.o.ready if unit.shifts_at_once else ~self.o.valid
        m.d.comb += [
            step.eq((source.valid | ~take) & can),
            source.ready.eq(take & can),
            shift.eq(step & ~again),
            push.eq(again | (states.flags[0] & rows.flags[1]) | (states.flags[1] & rows.flags[2])),
            states.step.eq(shift),
            rows.step.eq(shift & states.last),
            groups.step.eq(step & push),
        ]
        with m.If(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.If(step):
            m.d.sync += [
                self.o.valid.eq(push),
                again.eq(push & self.followed(m, groups, rows.flags[1], again, shift)),
            ]
        moves = valid_stages(m, shift, delay, "shift")[-1]
        begins = registered(m, (states if shape.by_rows else rows).flags[3], delay)
        beat = registered(m, self.i.payload, delay)
        if aside:
            beat = aside.o.payload
            m.d.comb += aside.taken.eq(moves & begins)
        first = aside.first if aside else None
        if shape.by_rows:
            cells = self.row_history(m, moves, beat, begins, first)
        else:
            inside = registered(m, rows.flags[4:], delay)
            cells = self.column_history(m, moves, beat, begins, first, inside)
        shown = Signal(len(groups.flags) - 1)  # of the group that is shown its place and its edges
        said = registered(m, groups.flags[1:], delay)
        with m.If(valid_stages(m, groups.step, delay, "push")[-1]):
            m.d.sync += shown.eq(said)
        bits = len(shape.place_bits)
        m.d.comb += self.o.payload.eq(self.covered(m, cells, shown[:bits], shown[bits:]))
        return m

    def counters(self, m: Module) -> tuple[Counter, Counter, Counter]:
        """Of the lines of a frame, the states of a line, and the groups of a line, each with its
        flags.
        """
        shape, line = self._shape, self._shape.line
        takes, gives, late = shape.row_tables()
        begins = np.arange(len(takes)) == 0
        m.submodules.rows = rows = Counter(
            length=len(takes), tables=[takes, gives, late, begins, *shape.rows_inside().T]
        )
        each = np.arange(int(line.ahead), line.length)  # the first state may have no step
        m.submodules.states = states = Counter(
            length=len(each),
            tables=[line.own[each] > 0, line.late[each] > 0, each < line.takes, each == each[0]],
            exit=line.tail if shape.has_tail else None,
        )
        if shape.has_tail:
            m.d.comb += states.early.eq(rows.last)
        m.submodules.groups = groups = Counter(
            length=len(line.ends), tables=[line.more, *shape.place_bits, *shape.edges]
        )
        return rows, states, groups

    def aside(self, m: Module) -> FirstAside | None:
        """What puts the first beats of a frame aside, if they are."""
        shape, unit = self._shape, self._unit
        if not shape.aside:
            return None
        m.submodules.aside = aside = FirstAside(
            width=len(self.i.payload),
            beats=shape.height * shape.width // shape.taken,
            aside=shape.aside,
            delay=unit.history_delay,
            memory=unit.buffers,
        )
        wiring.connect(m, wiring.flipped(self.i), aside.i)
        m.d.comb += self.collision.eq(aside.collision)
        return aside

    def followed(
        self, m: Module, groups: Counter, gives: Value, again: Signal, shift: Signal
    ) -> Value:
        """Whether another group leaves in the same state as the next one."""
        if not self._shape.line.more[-1]:
            return groups.flags[0]
        gave = Signal()  # whether the line of the last take gives groups
        with m.If(shift):
            m.d.sync += gave.eq(gives)
        return groups.flags[0] & (~groups.last | Mux(again, gave, gives))

    def row_history(
        self, m: Module, shift: Value, beat: Value, begins: Value, first: Value | None
    ) -> dict[int, Value]:
        """The last rows. The step that ``begins`` a frame puts the ``first`` beat, if it was put
        aside, behind the new one.
        """
        found = self.cells()
        new = self.rows_of(beat)
        last: list[Value | None] = [*new, *(found.get(h) for h in range(max(found) + 1))]
        with m.If(shift):
            m.d.sync += [cell.eq(last[h]) for h, cell in found.items()]
            if first is not None:
                with m.If(begins):
                    old = [*new, *self.rows_of(first)]
                    kept = [h for h in found if len(new) <= h < len(old)]
                    m.d.sync += [found[h].eq(old[h]) for h in kept]
        return found

    def rows_of(self, beat: Value) -> list[Value]:
        """The rows of a beat with their mask bits, the newest one first."""
        bits, width = self._unit.input.channels * self._unit.input.bits, self._shape.width
        pixels = [self.marked(beat[at : at + bits]) for at in range(0, len(beat), bits)]
        rows: list[Value] = [Cat(*pixels[at : at + width]) for at in range(0, len(pixels), width)]
        return rows[::-1]

    def column_history(
        self,
        m: Module,
        shift: Value,
        beat: Value,
        begins: Value,
        first: Value | None,
        inside: Value,
    ) -> dict[int, Value]:
        """The last columns. In the line that ``begins`` a frame ``first``, if the row before was
        put aside, is what that row has. ``inside``: which rows of a line are.
        """
        unit, shape, found = self._unit, self._shape, self.cells()
        bits = unit.input.channels * unit.input.bits
        rows = [beat]
        if shape.rows > 1:
            m.submodules.lines = lines = DelayLine(
                width=(shape.rows - 1) * len(beat), depth=shape.line.takes, memory=unit.memory
            )
            above = [lines.q[at : at + len(beat)] for at in range(0, len(lines.q), len(beat))]
            if first is not None:
                above[-1] = Mux(begins, first, above[-1])
            rows = [*above, beat]
            m.d.comb += [lines.step.eq(shift), lines.d.eq(Cat(*rows[1:]))]
            if first is None:
                m.d.comb += self.collision.eq(lines.collision)
        always = [bool(row.all()) for row in shape.rows_inside().T]

        def padded(j: int, at: int) -> Value:
            """Pixel ``at`` of the beat of the used row ``j``, which may lie beyond the edge."""
            marked = self.marked(rows[shape.used_rows[j]][at * bits : (at + 1) * bits])
            return marked if always[j] else Mux(inside[j], marked, self.pad)

        new = [
            Cat(*(padded(j, at) for j in range(len(shape.used_rows))))
            for at in reversed(range(unit.input_pixels))
        ]
        last: list[Value | None] = [*new, *(found.get(h) for h in range(max(found) + 1))]
        with m.If(shift):
            m.d.sync += [cell.eq(last[h]) for h, cell in found.items()]
        return found

    def cells(self) -> dict[int, Value]:
        """The cells of the history, each a signal of its pixels."""
        bits = self._shape.cell_pixels * self._unit.cell_bits
        kept = self._shape.line.kept
        return {h: Signal(bits, name=f"cell{h}", reset_less=True) for h in kept}

    def marked(self, pixel: Value) -> Value:
        """A real pixel and its mask bit."""
        return Cat(pixel, Const(1, 1)) if self._unit.masked else pixel

    @property
    def pad(self) -> Value:
        """A pixel of padding and its mask bit."""
        unit = self._unit
        code = Const(unit.pad_code, unit.input.bits).replicate(unit.input.channels)
        return Cat(code, Const(0, 1)) if unit.masked else code

    def covered(self, m: Module, cells: dict[int, Value], place: Value, edges: Value) -> Value:
        """The pixels that the windows of the group cover, which is in that place of the history and
        lies beyond the edges like that.
        """
        shape, bits = self._shape, self._unit.cell_bits
        # Mask bits of rows that are always inside need no registers.
        bare = [bool(row.all()) and self._unit.masked for row in shape.rows_inside().T]
        found = []
        for j, i in product(shape.used_rows, shape.used_columns):
            at, row = j if shape.by_rows else i, shape.used_rows.index(j)
            sources: list[Value | None] = []
            for source, (_, column) in zip(shape.sources[at], shape.places, strict=True):
                pixel = shape.cell_pixel(j, i, column)
                if source is None:
                    sources.append(None)
                elif pixel is None:
                    sources.append(self.pad)
                else:
                    stored = cells[source][pixel * bits : (pixel + 1) * bits]
                    sources.append(self.marked(stored[:-1]) if bare[row] else stored)
            shown = chosen(place, sources)
            if shown is None:
                shown = self.pad
            elif (edge := shape.edge(at)) is not None:
                shown = Mux(edges[edge], self.pad, shown)
            found.append(Signal(bits, name=f"pixel_{j}_{i}"))
            m.d.comb += found[-1].eq(shown)
        return Cat(*found)


def chosen(select: Value, values: Sequence[Value | None]) -> Value | None:
    """``values[select]``, where None may be any value; None where all are."""
    if len(values) <= 1 or not len(select):
        return values[0] if values else None
    half = 1 << (len(select) - 1)
    low, high = chosen(select[:-1], values[:half]), chosen(select[:-1], values[half:])
    if low is None or high is None:
        return high if low is None else low
    return Mux(select[-1], high, low)


def wide_pixels(m: Module, unit: WindowUnit, covered: Value) -> list[Signal]:
    """The window of each pixel of a beat, from those that ``WideHistory`` gives: in the order
    channel, row, column, each lane with its mask bit.
    """
    shape, bits, window = unit.wide, unit.input.bits, unit.window
    assert shape
    rows, columns = shape.used_rows, shape.used_columns
    (down, across), (dy, dx), (kh, kw) = window.strides, window.dilations, window.kernel
    found = []
    for y, x in product(range(shape.pixel_rows), range(shape.pixel_columns)):
        parts: list[Value] = []
        for channel, ky, kx in product(range(unit.input.channels), range(kh), range(kw)):
            row, column = rows.index(y * down + ky * dy), columns.index(x * across + kx * dx)
            start = (row * len(columns) + column) * unit.cell_bits
            parts.append(covered[start + channel * bits : start + (channel + 1) * bits])
            if unit.masked:
                parts.append(covered[start + unit.cell_bits - 1])
        found.append(Signal(unit.o.width // unit.pixels, name=f"window_{y}_{x}"))
        m.d.comb += found[-1].eq(Cat(*parts))
    return found
