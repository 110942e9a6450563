"""Windows over beats of several pixels."""

from collections.abc import Sequence
from itertools import product

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from subbit.hw.streams.delay_rtl import DelayLine
from subbit.hw.streams.registers_rtl import registered, valid_stages
from subbit.hw.streams.sequence_rtl import Counter
from subbit.hw.window.window import WindowUnit

__all__ = ["WideHistory", "chosen", "wide_pixels"]


class WideHistory(wiring.Component):
    """``i``: beats of ``unit.input_pixels`` pixels, the first one lowest. ``o``: the pixels that
    the windows of a beat cover together, row after row from the top, left to right, each with its
    channels, and with masks the mask bit on top.

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
        line = shape.line
        takes, gives, late = shape.row_tables()
        m.submodules.rows = rows = Counter(
            length=len(takes), tables=[takes, gives, late, *shape.rows_inside().T]
        )
        m.submodules.states = states = Counter(
            length=line.length,
            tables=[line.own > 0, line.late > 0, [k < line.takes for k in range(line.length)]],
            exit=line.tail if shape.has_tail else None,
        )
        m.submodules.groups = groups = Counter(
            length=len(line.ends), tables=[line.more, *shape.place_bits, *shape.edges]
        )
        again = Signal()  # a further group of the same state
        step, shift, push = Signal(), Signal(), Signal()
        take = ~again & states.flags[2] & rows.flags[0]
        can = ~self.o.valid | self.o.ready if unit.shifts_at_once else ~self.o.valid
        if shape.has_tail:
            m.d.comb += states.early.eq(rows.last)
        m.d.comb += [
            step.eq((self.i.valid | ~take) & can),
            self.i.ready.eq(take & can),
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
        cells = self.history(
            m,
            valid_stages(m, shift, delay, "shift")[-1],
            registered(m, self.i.payload, delay),
            registered(m, rows.flags[3:], delay),
        )
        chosen_for = Signal(len(groups.flags) - 1)  # the group that is shown: its place, its edges
        said = registered(m, groups.flags[1:], delay)
        with m.If(valid_stages(m, groups.step, delay, "push")[-1]):
            m.d.sync += chosen_for.eq(said)
        bits = len(shape.place_bits)
        m.d.comb += self.o.payload.eq(self.covered(m, cells, chosen_for[:bits], chosen_for[bits:]))
        return m

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

    def history(self, m: Module, shift: Value, beat: Value, inside: Value) -> dict[int, Value]:
        """The last cells, each a signal of its pixels; a step shifts them."""
        unit, shape = self._unit, self._shape
        found: dict[int, Value] = {
            h: Signal(shape.cell_pixels * unit.cell_bits, name=f"cell{h}", reset_less=True)
            for h in shape.line.kept
        }
        new = self.new_cells(m, shift, beat, inside)
        with m.If(shift):
            for h, cell in found.items():
                m.d.sync += cell.eq(new[h] if h < len(new) else found[h - len(new)])
        return found

    def new_cells(self, m: Module, shift: Value, beat: Value, inside: Value) -> list[Value]:
        """The cells of a beat, the newest one first."""
        unit, shape = self._unit, self._shape
        bits, count = unit.input.channels * unit.input.bits, unit.input_pixels
        rows = [beat]
        if not shape.by_rows and shape.rows > 1:
            m.submodules.lines = lines = DelayLine(
                width=(shape.rows - 1) * len(beat), depth=shape.line.takes, memory=unit.memory
            )
            column = Cat(lines.q, beat)
            m.d.comb += [lines.step.eq(shift), lines.d.eq(column[len(beat) :])]
            m.d.comb += self.collision.eq(lines.collision)
            rows = [column[at : at + len(beat)] for at in range(0, len(column), len(beat))]
        pixels = [[row[at * bits : (at + 1) * bits] for row in rows] for at in range(count)]
        if shape.by_rows:
            marked = [self.marked(pixel) for (pixel,) in pixels]
            w = shape.width
            return [Cat(*marked[at : at + w]) for at in range(count - w, -1, -w)]
        always = [bool(row.all()) for row in shape.rows_inside().T]

        def padded(j: int, pixel: Value) -> Value:
            """The pixel of row ``j``, where that may lie beyond the edge."""
            marked = self.marked(pixel)
            return marked if always[j] else Mux(inside[j], marked, self.pad)

        return [Cat(*(padded(*pixel) for pixel in enumerate(column))) for column in pixels[::-1]]

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
        found = []
        for j, i in product(range(shape.rows), range(shape.columns)):
            at = j if shape.by_rows else i
            sources: list[Value | None] = []
            for source, (_, column) in zip(shape.sources[at], shape.places, strict=True):
                pixel = shape.cell_pixel(j, i, column)
                if source is None:
                    sources.append(None)
                elif pixel is None:
                    sources.append(self.pad)
                else:
                    sources.append(cells[source][pixel * bits : (pixel + 1) * bits])
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
    shape, bits, k = unit.wide, unit.input.bits, unit.kernel
    assert shape
    found = []
    for y, x in product(range(shape.pixel_rows), range(shape.pixel_columns)):
        parts: list[Value] = []
        for channel, ky, kx in product(range(unit.input.channels), range(k), range(k)):
            row, column = y * unit.stride + ky, x * unit.stride + kx
            start = (row * shape.columns + column) * unit.cell_bits
            parts.append(covered[start + channel * bits : start + (channel + 1) * bits])
            if unit.masked:
                parts.append(covered[start + unit.cell_bits - 1])
        found.append(Signal(unit.o.width // unit.pixels, name=f"window_{y}_{x}"))
        m.d.comb += found[-1].eq(Cat(*parts))
    return found
