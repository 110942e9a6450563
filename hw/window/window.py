"""The sliding windows of a convolution, from a stream of pixels."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from subbit.hw.contract.cost import Cost
from subbit.hw.contract.unit import Beats, Lanes, Unit
from subbit.hw.streams.replay import ReplayUnit
from subbit.hw.window.axis import Axis
from subbit.hw.window.cuts import WindowCuts
from subbit.hw.window.interval import window_interval
from subbit.hw.window.plain_cost import plain_cost
from subbit.hw.window.wide import WideShape, used_places
from subbit.hw.window.wide_cost import covered_bits, wide_cost
from subbit.sw.cycles.model import GIVE, PUSH, RESERVE, TAKE, WAIT, Process
from subbit.sw.errors import PlanError
from subbit.sw.ir.layers.conv2d import Conv2d, Padding
from subbit.sw.ir.layers.convolution import Convolution
from subbit.sw.ir.types import Encoding, TensorType
from subbit.sw.ir.window import NO_PADS, Pads, Side, Window, as_pair

__all__ = ["WindowUnit"]


@dataclass(frozen=True, kw_only=True)
class WindowUnit(Unit):
    """For each output pixel of a convolution its window, cut into chunks of ``channels`` channels,
    ``folds`` times over.

    ``kernel``, ``stride`` and ``dilation``, the distance of the kernel's elements: one number each,
    or two, of height and width. Input: pixels of ``input`` in row-major order, ``channels``
    elements a beat (a divisor of the input's channels), ``n = C / channels`` beats a pixel. Output:
    for each output pixel ``folds`` times the same ``n`` beats of ``channels * kh * kw`` lanes in
    the order channel, row, column. ``padding``: none, or ``pads`` elements above, left of, below
    and right of the tensor, each less than a window reaches there, half of that where nothing is
    said. Zeros around a bipolar tensor make each lane one bit wider: its most significant bit is 1
    inside the tensor and 0 in the padding, where the code is 0. Other padding is the code that it
    stands for.

    Three processes: a line buffer, which turns pixels into columns of ``kh`` pixels (a padding row
    below the tensor takes ``W * n`` cycles and no input); a history of columns, which turns
    columns into windows (padding columns right of the tensor serve as those left of the next row:
    ``P = columns.positions`` a row, each ``n`` cycles); and a double-buffered replay, which a
    window of one chunk and one fold does without. Latency: from the last beat of a window's last
    pixel to the first of its output beats 2 cycles without a replay, else 3. Interval: at least
    ``OH * max(P * n, OW * n * folds)`` cycles, exactly ``interval_cycles``, which counts rows that
    complete no window too; with other ``pads`` within a few cycles of it.

    A 3x3 map, 3x3 windows, padding 1, one chunk and one fold. L: columns that the line buffer
    offers, 0 to 2 of each row of windows; H: positions that the history takes, p for padding; o:
    windows::

        cycle   0  1  2  3  4  5  6  7  8  9 10 11 12 13 14 15 16
        i       a  b  c  d  e  f  g  .  h  i  .  .  .  .  .  .  .
        L       .  .  .  .  0  1  2  0  0  1  2  0  0  1  2  .  .
        H       p  .  .  .  0  1  2  p  0  1  2  p  0  1  2  p  .
        o       .  .  .  .  .  .  0  1  2  .  3  4  5  .  6  7  8

    ``pixels``: that many neighbouring output pixels of a row (a divisor of the row) come side by
    side, the leftmost in the lowest lanes: a window of ``span`` columns moves by
    ``pixels * stride``, and ``OW / pixels`` replaces ``OW`` above. ``memory``: where the line
    buffer lives, one of ``auto``, ``block``, ``distributed``; ``buffers``: the same of the history
    and the replay, or of a row that is put aside.

    ``input_pixels``: that many neighbouring pixels come in a beat, a divisor of the input's row or
    whole rows, as many as divide its height; likewise ``pixels`` may be whole rows of outputs.
    Either needs all channels at a time. One history then does without padding columns: windows at
    the end of a row leave while the next row begins, so that a row takes
    ``max(W / input_pixels, OW / pixels)`` steps or few more (see :class:`.LineSchedule`); where
    groups of windows are in different places of the history, or have folds, a register holds them.
    Latency: from the beat that completes a group to its output 1 cycle, one more with that
    register, and one more where the first beats of a frame are put aside.

    ``groups``: of the channels; for each output pixel first the ``n / groups`` beats of the first
    group come, ``folds`` times over, then those of the next.

    ``payload_delay``, 0 to 2: where one register ``holds`` the window for all its folds, data may
    follow their handshakes. The history shifts a cycle, and that register loads ``payload_delay``
    cycles, after what decides on it, so that the enables of these many flip-flops come from a
    register; the payload of the output comes ``payload_delay`` cycles after its handshake. No cycle
    changes.

    Raises PlanError for another ``payload_delay``, and where no register holds the window.
    """

    component: ClassVar[str] = "subbit.hw.window.window_rtl:Window"
    input: TensorType
    kernel: Side
    stride: Side
    padding: Padding
    channels: int
    folds: int
    memory: str = "auto"
    pixels: int = 1
    buffers: str = "auto"
    payload_delay: int = 0
    pads: Pads | None = None
    input_pixels: int = 1
    dilation: Side = 1
    groups: int = 1

    def __post_init__(self) -> None:
        most = self.window.most_pads
        if self.pads and not all(0 <= p <= m for p, m in zip(self.pads, most, strict=True)):
            raise PlanError(
                f"pads={self.pads}: padding of a {self.window.name} kernel is 0 to {most[0]} "
                f"elements above and below, 0 to {most[1]} left and right"
            )
        if self.chunks % self.groups:
            raise PlanError(
                f"channels={self.channels}: the channels at a time are of one of {self.groups} "
                f"groups, a divisor of {self.input.channels // self.groups}"
            )
        if self.wide:
            if self.chunks > 1:
                raise PlanError(
                    f"channels={self.channels}: beats of several pixels, and of several rows of "
                    f"windows, need all {self.input.channels} channels at a time"
                )
            self.wide.check()
        if self.payload_delay and not (self.holds and self.payload_delay in (1, 2)):
            raise PlanError(
                f"payload_delay={self.payload_delay}: payloads of windows follow by 1 or 2 "
                "cycles, and only where one register holds them"
            )

    @classmethod
    def of(cls, layer: Convolution, x: TensorType, **settings: Any) -> Self:
        """The windows of a layer over its input ``x``; ``settings``: the others, or ones that take
        the place of the layer's.
        """
        given: dict[str, Any] = {
            "kernel": layer.window.kernel,
            "stride": layer.window.strides,
            "padding": layer.padding,
            "pads": layer.pads,
            "dilation": layer.window.dilations,
            "groups": layer.groups if isinstance(layer, Conv2d) else 1,
        }
        return cls(input=x, **(given | settings))

    @property
    def o_payload_delay(self) -> int:
        """``payload_delay``."""
        return self.payload_delay

    @cached_property
    def window(self) -> Window:
        """How the windows move, and the padding around the tensor."""
        sides = as_pair(self.kernel), as_pair(self.stride), as_pair(self.dilation)
        if self.padding is Padding.NONE:
            return Window(*sides, NO_PADS)
        return Window(*sides, self.pads or Window(*sides).usual_pads)

    @cached_property
    def wide(self) -> WideShape | None:
        """How beats of several pixels, or windows of several rows at once, are made, if any are."""
        x, pixels = self.input, (self.input_pixels, self.pixels)
        shape = WideShape(x.height, x.width, self.window, *pixels, self.folds)
        outputs = shape.across.outputs
        several = self.input_pixels != 1 or (outputs > 0 and self.pixels > outputs)
        return shape if several else None

    @property
    def span(self) -> int:
        """Columns that the windows of a beat cover together."""
        return self.window.reach[1] + (self.pixels - 1) * self.window.strides[1]

    @cached_property
    def used_columns(self) -> tuple[int, ...]:
        """Those of ``span`` with elements of some window: all, but for the gaps of dilated ones."""
        return used_places(self.window, 1, self.pixels)

    @property
    def masked(self) -> bool:
        """Whether each lane carries a mask bit."""
        return self.padding is Padding.ZERO and self.input.encoding is Encoding.BIPOLAR

    @property
    def pad_code(self) -> int:
        """Code of the padding."""
        return (1 << self.input.bits) - 1 if self.padding is Padding.PLUS else 0

    @property
    def chunks(self) -> int:
        """Beats of a pixel, ``n``."""
        return self.input.channels // self.channels

    @property
    def group_chunks(self) -> int:
        """Beats of the channels of a group."""
        return self.chunks // self.groups

    @property
    def staged(self) -> bool:
        """Whether windows leave the history through a register: those of one beat of each group."""
        return self.groups > 1 and self.group_chunks == 1

    @property
    def rows(self) -> Axis:
        """The window's positions from top to bottom."""
        if self.wide:
            return self.wide.row_groups
        (above, _, below, _), window = self.window.pads, self.window
        return Axis(self.input.height, window.reach[0], window.strides[0], above, below)

    @property
    def columns(self) -> Axis:
        """The positions of the windows of a beat from left to right."""
        if self.wide:
            return self.wide.column_groups
        _, left, _, right = self.window.pads
        stride, width = self.window.strides[1] * self.pixels, self.input.width
        # The first row's padding has to be there before the first column is, even after a reset;
        # where there is no time for that, each row puts its own in front when its first column is.
        shared = left * self.chunks <= self.rows.first * width * self.chunks + 1
        return Axis(width, self.span, stride, left, right, shared)

    def rows_inside(self) -> NDArray[np.bool_]:
        """``(OH, kh)``: whether that row of that row of windows is in the tensor."""
        return self.rows.inside()[:, :: self.window.dilations[0]]

    @property
    def i(self) -> Lanes:
        """``channels`` elements of each input pixel."""
        return Lanes.of(self.input, self.channels * self.input_pixels)

    @property
    def o(self) -> Lanes:
        """A window of ``channels`` channels for each of the pixels."""
        lanes = self.pixels * self.channels * self.window.size
        return Lanes(lanes, self.input.bits + self.masked, self.input.signed)

    @property
    def column_bits(self) -> int:
        """Bits of a column of a chunk, without mask."""
        return self.window.kernel[0] * self.i.width

    @property
    def marked_bits(self) -> int:
        """The same with its mask, a bit for each row."""
        return self.column_bits + (self.window.kernel[0] if self.masked else 0)

    @property
    def line_words(self) -> int:
        """Words of the line buffer, each of all rows of a window but one."""
        return self.input.width * self.chunks

    @property
    def rows_run(self) -> int:
        """Rows of the line buffer in a frame, those of the padding below the tensor included."""
        return max(self.input.height, self.rows.last + 1)

    @property
    def replay(self) -> ReplayUnit:
        """What repeats the windows: a word of all lanes and of the mask of each position."""
        width = len(self.used_columns) * self.marked_bits
        if self.wide:
            width = len(self.wide.used_columns) * len(self.wide.used_rows) * self.cell_bits
        vectors = self.rows.outputs * self.columns.outputs * self.groups
        return ReplayUnit(
            element=Lanes(1, width),
            words=self.group_chunks,
            folds=self.folds,
            vectors=vectors,
            memory=self.buffers,
            payload_delay=self.payload_delay,
        )

    @property
    def cell_bits(self) -> int:
        """Bits of a pixel, and of its mask."""
        return self.input.channels * self.input.bits + self.masked

    @property
    def direct(self) -> bool:
        """Whether a register behind the last columns is the output already, or theirs is."""
        together = self.wide is None or len(self.wide.places) == 1
        return self.group_chunks == 1 and self.folds == 1 and together

    @property
    def shifts_at_once(self) -> bool:
        """Whether the register of the last columns, with one chunk, moves on in the cycle in which
        its window is taken. The ``ready`` of the engine then reaches the line buffer within that
        cycle, which is a slow path; where the folds leave time for the columns of a window, it
        moves on a cycle later.
        """
        if self.wide:
            return not self.wide.pauses
        return self.folds <= self.window.strides[1] * self.pixels

    @property
    def holds(self) -> bool:
        """Whether a register holds the window of one chunk for its folds, so that the register of
        the last columns stays as it is for a cycle more. Payloads of beats of several pixels may
        follow in any case.
        """
        if self.wide:
            return True
        return self.chunks == 1 and not self.direct and not self.shifts_at_once

    @property
    def history_delay(self) -> int:
        """Cycles by which the history shifts behind the step that decides on it."""
        late = self.wide and (self.direct or self.shifts_at_once)
        return self.payload_delay if late else min(self.payload_delay, 1)

    @property
    def interval_cycles(self) -> int:
        """Cycles between two frames when neither neighbour is slower; see ``window_interval``. With
        ``pads`` that are not the same on all sides the cycle model may say a few cycles more or
        less.
        """
        if self.wide:
            return self.wide.interval(not self.shifts_at_once)
        sizes = self.rows, self.columns, self.chunks, self.folds
        return window_interval(*sizes, self.shifts_at_once)

    @property
    def least_cycles(self) -> int:
        """Cycles that a frame takes at least: one for each beat that comes, or that goes."""
        return max(self.input.elements // self.i.lanes, self.replay.interval_cycles)

    def line_tables(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
        """Of each row that is run, whether it is input and whether it completes windows; of each
        column, whether a window covers it.
        """
        rows = np.arange(self.rows_run)
        used = np.arange(self.input.width) <= self.columns.last
        return rows < self.input.height, self.rows.completes(rows), used

    def position_tables(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
        """Of each position in a row of windows, whether it is input, whether it completes a window,
        and whether it waits for a column.
        """
        x = np.arange(self.columns.positions) - self.columns.lead
        data = (x >= 0) & (x < self.input.width)
        return data, self.columns.completes(x), data | (x < 0) & (not self.columns.shared)

    def processes(self) -> tuple[Process, ...]:
        """Line buffer, history, and replay unless there is nothing to repeat or to reorder."""
        chain = self.wide_process() if self.wide else (self.line_process(), self.history_process())
        return chain if self.direct else (*chain, *self.replay.processes()[-1:])

    def wide_process(self) -> tuple[Process, ...]:
        """Takes beats, and gives groups of windows, from one history."""
        assert self.wide
        recycle = 0 if self.shifts_at_once else 1
        chain = (Process("window", self.wide.steps, recycle=recycle),)
        aside = self.wide.aside
        return (Process("window aside", self.wide.aside_steps), *chain) if aside else chain

    def line_process(self) -> Process:
        """Takes the real rows, gives the columns that complete windows downwards."""
        takes, gives, used = self.line_tables()
        steps = np.where(takes, TAKE, 0)[:, None] | np.where(np.outer(gives, used), GIVE, 0)
        return Process("window lines", np.repeat(steps.astype(np.uint8), self.chunks))

    def history_process(self) -> Process:
        """Takes the real columns, gives a token for all chunks of a group of a complete window."""
        data, emits, waits = self.position_tables()
        steps = np.zeros((self.rows.outputs, self.columns.positions, self.chunks), np.uint8)
        steps[:, waits] |= WAIT
        steps[:, data] |= TAKE
        if self.chunks > 1:
            steps[:, emits, :: self.group_chunks] |= RESERVE
            steps[:, emits, self.group_chunks - 1 :: self.group_chunks] |= PUSH
            if self.staged:
                return Process("window history", steps.ravel())
            return Process("window history", steps.ravel(), capacity=2, recycle=1)
        steps[:, emits] |= PUSH
        # The register holds the window: no step may shift it before the window is taken.
        steps[:, np.roll(emits, 1)] |= RESERVE
        return Process("window history", steps.ravel(), recycle=0 if self.shifts_at_once else 1)

    def reference(self, beats: Beats) -> Beats:
        """Windows by padding and a strided view."""
        frames = beats.reshape(-1, *self.input.shape)
        rows = self.wide.pixel_rows if self.wide else 1
        cut = WindowCuts(self.window, self.pixels, rows, self.channels, self.groups, self.folds)
        windows = cut.beats(frames, self.pad_code)
        if self.masked:
            windows = windows + (cut.beats(np.ones_like(frames), 0) << self.input.bits)
        return windows.reshape(-1, self.o.lanes)

    def cost(self) -> Cost:
        """Line buffer, history, replay, counters."""
        if self.wide:
            total = wide_cost(self, self.wide)
            word = Lanes(1, covered_bits(self, self.wide))
            return total if self.direct else total + replace(self.replay, element=word).cost()
        total = plain_cost(self)
        return total if self.direct else total + self.replay.cost()
