"""The sliding windows of a convolution, from a stream of pixels."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from subbit.hw.contract.blocks import counter_cost, luts, registers
from subbit.hw.contract.cost import Cost
from subbit.hw.contract.memory import delay_cost
from subbit.hw.contract.unit import Beats, Lanes, Unit
from subbit.hw.streams.replay import ReplayUnit
from subbit.hw.window.axis import Axis
from subbit.hw.window.interval import window_interval
from subbit.hw.window.wide import WideShape
from subbit.hw.window.wide_cost import covered_bits, wide_cost
from subbit.sw.cycles.model import GIVE, PUSH, RESERVE, TAKE, Process
from subbit.sw.errors import PlanError
from subbit.sw.ir.layers.conv2d import Padding
from subbit.sw.ir.types import Encoding, TensorType

__all__ = ["WindowUnit"]


@dataclass(frozen=True, kw_only=True)
class WindowUnit(Unit):
    """For each output pixel of a convolution of ``kernel`` (odd) and ``stride`` its window, cut
    into chunks of ``channels`` channels, ``folds`` times over.

    Input: pixels of ``input`` in row-major order, ``channels`` elements a beat (a divisor of the
    input's channels), ``n = C / channels`` beats a pixel. Output: for each output pixel ``folds``
    times the same ``n`` beats of ``channels * kernel**2`` lanes in the order channel, row, column.
    ``padding``: none, or ``pads`` elements above, left of, below and right of the tensor,
    ``kernel // 2`` of them on each side where nothing is said. Zeros around a bipolar tensor make
    each lane one bit wider: its most significant bit is 1 inside the tensor and 0 in the padding,
    where the code is 0. Other padding is the code that it stands for.

    Three processes: a line buffer, which turns pixels into columns of ``kernel`` pixels (a padding
    row below the tensor takes ``W * n`` cycles and no input); a history of columns, which turns
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

    ``payload_delay``, 0 to 2: where one register ``holds`` the window for all its folds, data may
    follow their handshakes. The history shifts a cycle, and that register loads ``payload_delay``
    cycles, after what decides on it, so that the enables of these many flip-flops come from a
    register; the payload of the output comes ``payload_delay`` cycles after its handshake. No cycle
    changes.

    Raises PlanError for another ``payload_delay``, and where no register holds the window.
    """

    component: ClassVar[str] = "subbit.hw.window.window_rtl:Window"
    input: TensorType
    kernel: int
    stride: int
    padding: Padding
    channels: int
    folds: int
    memory: str = "auto"
    pixels: int = 1
    buffers: str = "auto"
    payload_delay: int = 0
    pads: tuple[int, int, int, int] | None = None
    input_pixels: int = 1

    def __post_init__(self) -> None:
        if self.pads and not all(0 <= pad <= self.kernel // 2 for pad in self.pads):
            raise PlanError(
                f"pads={self.pads}: padding is 0 to {self.kernel // 2} elements on each side of a "
                f"{self.kernel}x{self.kernel} kernel"
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

    @property
    def o_payload_delay(self) -> int:
        """``payload_delay``."""
        return self.payload_delay

    @cached_property
    def wide(self) -> WideShape | None:
        """How beats of several pixels, or windows of several rows at once, are made; None where
        there are none.
        """
        x = self.input
        shape = WideShape(
            *(x.height, x.width, self.kernel, self.stride, self.margins),
            taken=self.input_pixels,
            given=self.pixels,
            folds=self.folds,
        )
        outputs = shape.across.outputs
        several = self.input_pixels != 1 or (outputs > 0 and self.pixels > outputs)
        return shape if several else None

    @property
    def span(self) -> int:
        """Columns that the windows of a beat cover together."""
        return self.kernel + (self.pixels - 1) * self.stride

    @property
    def masked(self) -> bool:
        """Whether each lane carries a mask bit."""
        return self.padding is Padding.ZERO and self.input.encoding is Encoding.BIPOLAR

    @property
    def pad_code(self) -> int:
        """Code of the padding."""
        return (1 << self.input.bits) - 1 if self.padding is Padding.PLUS else 0

    @property
    def margins(self) -> tuple[int, int, int, int]:
        """Padding elements above, left, below and right."""
        if self.padding is Padding.NONE:
            return 0, 0, 0, 0
        return self.pads or (self.kernel // 2,) * 4

    @property
    def chunks(self) -> int:
        """Beats of a pixel, ``n``."""
        return self.input.channels // self.channels

    @property
    def rows(self) -> Axis:
        """The window's positions from top to bottom."""
        if self.wide:
            return self.wide.row_groups
        above, _, below, _ = self.margins
        return Axis(self.input.height, self.kernel, self.stride, above, below)

    @property
    def columns(self) -> Axis:
        """The positions of the windows of a beat from left to right."""
        if self.wide:
            return self.wide.column_groups
        _, left, _, right = self.margins
        return Axis(self.input.width, self.span, self.stride * self.pixels, left, right)

    @property
    def i(self) -> Lanes:
        """``channels`` elements of each input pixel."""
        return Lanes.of(self.input, self.channels * self.input_pixels)

    @property
    def o(self) -> Lanes:
        """A window of ``channels`` channels for each of the pixels."""
        lanes = self.pixels * self.channels * self.kernel**2
        return Lanes(lanes, self.input.bits + self.masked, self.input.signed)

    @property
    def column_bits(self) -> int:
        """Bits of a column of a chunk, without mask."""
        return self.kernel * self.i.width

    @property
    def line_words(self) -> int:
        """Words of the line buffer, each of ``kernel - 1`` rows."""
        return self.input.width * self.chunks

    @property
    def rows_run(self) -> int:
        """Rows of the line buffer in a frame, those of the padding below the tensor included."""
        return max(self.input.height, self.rows.last + 1)

    @property
    def replay(self) -> ReplayUnit:
        """What repeats the windows: a word of all lanes and of the mask of each position."""
        width = self.span * (self.column_bits + (self.kernel if self.masked else 0))
        if self.wide:
            width = self.wide.columns * self.wide.rows * self.cell_bits
        vectors = self.rows.outputs * self.columns.outputs
        return ReplayUnit(
            element=Lanes(1, width),
            words=self.chunks,
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
        """Whether the register of the last columns is the output already."""
        together = self.wide is None or len(self.wide.places) == 1
        return self.chunks == 1 and self.folds == 1 and together

    @property
    def shifts_at_once(self) -> bool:
        """Whether the register of the last columns, with one chunk, moves on in the cycle in which
        its window is taken. The ``ready`` of the engine then reaches the line buffer within that
        cycle, which is a slow path; where the folds leave time for the columns of a window, it
        moves on a cycle later.
        """
        if self.wide:
            return not self.wide.pauses
        return self.folds <= self.stride * self.pixels

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
        return window_interval(
            self.rows, self.columns, self.chunks, self.folds, self.shifts_at_once
        )

    @property
    def least_cycles(self) -> int:
        """Cycles that a frame takes at least, without the steps of its schedule: one for each beat
        that comes, and one for each that goes.
        """
        replay = self.replay
        return max(self.input.elements // self.i.lanes, replay.interval_cycles)

    def line_tables(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
        """Of each row that is run, whether it is input and whether it completes windows; of each
        column, whether a window covers it.
        """
        rows = np.arange(self.rows_run)
        used = np.arange(self.input.width) <= self.columns.last
        return rows < self.input.height, self.rows.completes(rows), used

    def position_tables(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Of each position in a row of windows, whether it is input and whether it completes a
        window.
        """
        x = np.arange(self.columns.positions) - self.columns.lead
        return (x >= 0) & (x < self.input.width), self.columns.completes(x)

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
        """Takes the real columns, gives a token for each complete window (all its chunks)."""
        data, emits = self.position_tables()
        steps = np.zeros((self.rows.outputs, self.columns.positions, self.chunks), np.uint8)
        steps[:, data] |= TAKE
        if self.chunks > 1:
            steps[:, emits, 0] |= RESERVE
            steps[:, emits, -1] |= PUSH
            return Process("window history", steps.ravel(), capacity=2, recycle=1)
        steps[:, emits] |= PUSH
        # The register holds the window: no step may shift it before the window is taken.
        steps[:, np.roll(emits, 1)] |= RESERVE
        return Process("window history", steps.ravel(), recycle=0 if self.shifts_at_once else 1)

    def reference(self, beats: Beats) -> Beats:
        """Windows by padding and a strided view."""
        height, width, cin = self.input.shape
        frames = beats.reshape(-1, height, width, cin)
        windows = self.windows(frames, self.pad_code)
        if self.masked:
            windows = windows + (self.windows(np.ones_like(frames), 0) << self.input.bits)
        return windows.reshape(-1, self.o.lanes)

    def windows(self, frames: Beats, pad_code: int) -> Beats:
        """``(frame, y / r, x / c, fold, chunk, pixel row, pixel column, channel, ky, kx)`` where
        ``pixels`` are r rows of c pixels.
        """
        (above, left, below, right), k, s = self.margins, self.kernel, self.stride
        edges = ((0, 0), (above, below), (left, right), (0, 0))
        padded = np.pad(frames, edges, constant_values=pad_code)
        views = sliding_window_view(padded, (k, k), axis=(1, 2))[:, ::s, ::s]
        c = self.wide.pixel_columns if self.wide else self.pixels
        r = self.pixels // c
        groups = (views.shape[1] // r, r, views.shape[2] // c, c)
        parts = views.reshape(len(views), *groups, self.chunks, self.channels, k, k)
        ordered = parts.transpose(0, 1, 3, 5, 2, 4, 6, 7, 8)[:, :, :, None]
        return np.repeat(ordered, self.folds, axis=3)

    def cost(self) -> Cost:
        """Line buffer, history, replay, counters."""
        if self.wide:
            total = wide_cost(self, self.wide)
            word = Lanes(1, covered_bits(self, self.wide))
            return total if self.direct else total + replace(self.replay, element=word).cost()
        total = self.line_cost() + self.history_cost()
        return total if self.direct else total + self.replay.cost()

    def line_cost(self) -> Cost:
        """The line buffer: memory, the register of a column, counters."""
        above = (self.kernel - 1) * self.i.width
        if self.kernel == self.stride == 1:  # every pixel is a window
            return registers(self.column_bits) + luts(2) + Cost(flip_flops=1)
        lines = delay_cost(above, self.line_words, self.memory) if above else Cost()
        takes, gives, used = self.line_tables()
        counters = counter_cost(self.line_words, [used.repeat(self.chunks)])
        counters += counter_cost(self.rows_run, [takes, gives])
        handshake = luts(8) + Cost(flip_flops=1)
        return lines + registers(self.column_bits) + counters + handshake

    def history_cost(self) -> Cost:
        """The columns before, what puts padding in place of pixels, counters."""
        if self.kernel == self.stride == 1 and self.chunks > 1:
            return Cost()
        column = self.column_bits + (self.kernel if self.masked else 0)
        total = counter_cost(self.chunks) + luts(12) + Cost(flip_flops=2)
        total += counter_cost(self.columns.positions, self.position_tables())
        total += counter_cost(self.rows.outputs, self.rows.inside().T if any(self.margins) else ())
        inside = luts(self.kernel if any(self.margins) else 0)
        if self.chunks == 1:  # padding is the reset of a register
            delayed = column + 1 if self.payload_delay else 0
            return total + inside + registers(self.span * column + delayed)
        padded = luts(self.column_bits if any(self.margins) else 0)
        past = delay_cost((self.span - 1) * column, self.chunks, self.buffers)
        return total + inside + padded + past
