"""Pooling over windows that may overlap: one number for each, along the rows and then down them."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from subbit.hw.contract.blocks import counter_cost, luts, registers
from subbit.hw.contract.cost import Cost
from subbit.hw.contract.memory import delay_cost
from subbit.hw.streams.shapes import LanesUnit, beat_sizes
from subbit.hw.window.axis import Axis
from subbit.sw.cycles.model import GIVE, TAKE, Process
from subbit.sw.ir.layers.pooling import Pooling
from subbit.sw.ir.types import TensorType

__all__ = ["Slots", "WindowPoolUnit", "window_sizes", "windows_view"]


def window_sizes(layer: Pooling, x: TensorType) -> list[int]:
    """The elements that a beat of ``x`` may hold in front of ``layer``, ascending: channels of one
    pixel; whole rows, or where windows lie side by side whole windows of them; of several rows all,
    or where windows lie side by side whole windows.
    """
    sizes = []
    for lanes in beat_sizes(x):
        pixels = lanes // x.channels
        columns, rows = min(pixels, x.width), max(1, pixels // x.width)
        one_row = rows == 1 or holds_windows(layer, 0, rows, x.height)
        if pixels <= 1 or (one_row and holds_windows(layer, 1, columns, x.width)):
            sizes.append(lanes)
    return sizes


def holds_windows(layer: Pooling, axis: int, run: int, size: int) -> bool:
    """Whether every window lies in one of the runs of ``run`` of ``size`` rows or columns."""
    window = layer.window
    kernel, padded = window.kernel[axis], window.pads[axis] or window.pads[axis + 2]
    aligned = window.strides[axis] == kernel and not padded
    return run == size or (aligned and run % kernel == 0)


@dataclass(frozen=True)
class Slots:
    """Which window each of some accumulators is busy with along one direction, ``axis``.

    Windows overlap where the stride is less than the kernel; window j belongs to accumulator
    ``j % count``, ``count = ceil(kernel / stride)``. One that begins in the padding begins with the
    first element. One that ends in the padding ends with the last element, and where several do,
    each further one a step behind: ``positions`` steps, of which the last take nothing.
    """

    axis: Axis

    @property
    def count(self) -> int:
        """Accumulators."""
        return -(-self.axis.kernel // self.axis.stride)

    @cached_property
    def ends(self) -> list[int]:
        """The step with which each window ends."""
        found, axis = [-1], self.axis
        for window in range(axis.outputs):
            end = min(axis.first + window * axis.stride, axis.size - 1)
            found.append(max(end, found[-1] + 1))
        return found[1:]

    @property
    def positions(self) -> int:
        """Steps: one for each element, and those behind."""
        return max(self.axis.size, self.ends[-1] + 1)

    def tables(self) -> NDArray[np.bool_]:
        """``(2, count, positions)``: where a window of each accumulator begins, and where one
        ends.
        """
        axis = self.axis
        found = np.zeros((2, self.count, self.positions), np.bool_)
        for window, end in enumerate(self.ends):
            found[0, window % self.count, max(0, window * axis.stride - axis.pad)] = True
            found[1, window % self.count, end] = True
        return found

    def takes(self) -> NDArray[np.bool_]:
        """``(positions,)``: whether the step takes an element."""
        real: NDArray[np.bool_] = np.arange(self.positions) < self.axis.size
        return real

    def used(self) -> NDArray[np.bool_]:
        """``(positions,)``: whether any window covers the element, or ends there."""
        axis = self.axis
        starts = np.arange(axis.outputs) * axis.stride - axis.pad
        offsets = np.arange(self.positions)[:, None] - starts
        inside = (offsets >= 0) & (offsets < axis.kernel)
        covered: NDArray[np.bool_] = np.logical_or.reduce(inside, axis=1) | ~self.takes()
        return covered


class WindowPoolUnit(LanesUnit):
    """Base: a number for each window of ``layer`` over ``input``, ``lanes`` elements a beat, one of
    ``window_sizes``; output elements are the channels of each window in order.

    First the columns of a row are combined, then of those the rows: ``ceil(kernel / stride)``
    accumulators each, as many as windows overlap. Each accumulator of rows is a memory of a word
    for each beat of a row of windows; ``memory``: where, one of ``auto``, ``block``,
    ``distributed``. Where a beat holds several pixels, a tree of ``stages`` registers combines the
    columns of its windows, and in a beat of several rows their rows too: there are no accumulators
    then. It gives all windows of a beat at once.

    Latency: 2 cycles after the last pixel of a window; with a tree ``stages + 1``. Interval: ``H *
    W * C / lanes`` cycles, a beat a cycle; where several windows end in the padding, a step for
    each but the first more, a column of each row or a row. Raises PlanError where ``lanes`` is none
    of ``window_sizes``, and NetworkError where the layer does not fit the tensor.
    """

    layer: Pooling
    memory: str

    def __post_init__(self) -> None:
        self.layer.infer((self.input,))
        super().__post_init__()

    @property
    def sizes(self) -> list[int]:
        """Those of ``window_sizes``."""
        return window_sizes(self.layer, self.input)

    @property
    @abstractmethod
    def row_bits(self) -> int:
        """Bits of the number of a row of a window."""

    @property
    @abstractmethod
    def full_bits(self) -> int:
        """Bits of the number of a window, in the accumulators."""

    @property
    @abstractmethod
    def tree_stages(self) -> int:
        """Registers of a tree for the columns of a window, or for all of it."""

    @property
    def o_lanes(self) -> int:
        """Elements of an output beat: all windows of an input beat."""
        return self.row_lanes * (self.window_rows if self.rows_within else 1)

    @property
    def row_lanes(self) -> int:
        """Numbers of a row of windows that a beat gives, or has a share in."""
        return self.lanes if self.beat_pixels == 1 else self.window_columns * self.input.channels

    @property
    def rows_within(self) -> bool:
        """Whether a beat holds all rows of its windows."""
        return self.beat_pixels > self.input.width

    @property
    def window_columns(self) -> int:
        """Windows side by side in a beat of several pixels."""
        return windows_of(min(self.beat_pixels, self.input.width), self.columns)

    @property
    def window_rows(self) -> int:
        """Windows one above the other in a beat of several rows."""
        return windows_of(self.beat_pixels // self.input.width, self.rows)

    @property
    def tree_count(self) -> int:
        """Numbers that a tree combines."""
        rows, columns = self.layer.window.kernel
        return rows * columns if self.rows_within else columns

    @property
    def stages(self) -> int:
        """Registers of the tree; 0 where a beat holds no more than a pixel."""
        return self.tree_stages if self.beat_pixels > 1 else 0

    @cached_property
    def columns(self) -> Slots:
        """The accumulators along a row."""
        (_, left, _, right), window = self.layer.pads, self.layer.window
        return Slots(Axis(self.input.width, window.kernel[1], window.strides[1], left, right))

    @cached_property
    def rows(self) -> Slots:
        """The accumulators down the rows."""
        (above, _, below, _), window = self.layer.pads, self.layer.window
        return Slots(Axis(self.input.height, window.kernel[0], window.strides[0], above, below))

    @property
    def line_words(self) -> int:
        """Beats of a row of windows."""
        return self.columns.axis.outputs * self.input.channels // self.row_lanes

    @property
    def interval_cycles(self) -> int:
        """Cycles between two frames when neither neighbour is slower: those of the longest process;
        the cycle model may say some more where several windows end in the padding.
        """
        beats = self.input.elements // self.lanes
        if self.stages and self.rows_within:
            return beats
        along = beats if self.stages else self.input.height * self.columns.positions * self.chunks
        return max(along, len(self.down_tables()[2]) * self.line_words)

    def down_tables(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
        """Where windows begin and end, ``(count, lines)`` each, and whether a line takes a row of
        numbers, of the rows that some window covers.
        """
        used = self.rows.used()
        begins, ends = (table[:, used] for table in self.rows.tables())
        return begins, ends, self.rows.takes()[used]

    def processes(self) -> tuple[Process, ...]:
        """What is combined along the rows that some window covers, and down those."""
        _, ends, takes = self.down_tables()
        down = np.full((len(takes), self.line_words), TAKE, np.uint8)
        down[~takes] = 0
        down[ends.any(axis=0)] |= GIVE
        if self.stages:
            return self.tree_processes(Process("pool rows", down.ravel()))
        columns = self.columns
        along = np.zeros((self.input.height, columns.positions, self.chunks), np.uint8)
        along[:, columns.takes()] = TAKE
        gives = columns.tables()[1].any(axis=0)
        along[np.outer(self.rows.used()[: self.input.height], gives)] |= GIVE
        return Process("pool columns", along.ravel()), Process("pool rows", down.ravel())

    def tree_processes(self, down: Process) -> tuple[Process, ...]:
        """The registers of the tree and behind it ``down``, or a register where beats hold whole
        windows.
        """
        first = np.full(self.input.elements // self.lanes, TAKE | GIVE, np.uint8)
        if self.rows_within:
            down = Process("pool", first)
        else:
            first.reshape(self.input.height, -1)[~self.rows.used()[: self.input.height]] = TAKE
        later = first[first == TAKE | GIVE]
        tree = [Process(f"pool columns {k + 1}", later if k else first) for k in range(self.stages)]
        return (*tree, down)

    def places(self) -> list[list[int | None]]:
        """The pixels of a beat of several that each of its windows combines, those of one row where
        it holds but a part of them; None in the padding.
        """
        window, width = self.layer.window, min(self.beat_pixels, self.input.width)
        height = self.beat_pixels // width
        (down, across), (above, left) = window.strides, window.pads[:2]
        rows = range(self.window_rows) if self.rows_within else range(1)
        tall = range(window.kernel[0] if self.rows_within else 1)
        found = []
        for row in rows:
            for column in range(self.window_columns):
                top = row * down - above if self.rows_within else 0
                start = column * across - left
                found.append(
                    [
                        (top + i) * width + start + j
                        if 0 <= top + i < height and 0 <= start + j < width
                        else None
                        for i in tall
                        for j in range(window.kernel[1])
                    ]
                )
        return found

    def control_cost(self) -> Cost:
        """Counters of beats of no more than a pixel, and the handshakes."""
        columns, takes = self.columns, self.columns.takes()
        tables = [*columns.tables().reshape(-1, columns.positions), takes]
        total = counter_cost(self.chunks) + counter_cost(columns.positions, tables)
        total += counter_cost(self.input.height, [self.rows.used()[: self.input.height]])
        return total + luts(10) + Cost(flip_flops=2)

    def columns_cost(self) -> Cost:
        """The accumulators of columns, and the register behind them."""
        kept = self.kept_cost(self.row_bits * self.lanes)
        return self.direction_cost(self.row_bits, self.chunks, self.columns) + kept

    def kept_cost(self, bits: int) -> Cost:
        """A register behind what is combined."""
        return registers(bits)

    def rows_cost(self) -> Cost:
        """The accumulators of rows with their counters."""
        begins, ends, takes = self.down_tables()
        total = self.direction_cost(self.full_bits, self.line_words, self.rows)
        tables = [*begins, *ends, takes]
        return total + counter_cost(self.line_words) + counter_cost(len(takes), tables)

    def unused_cost(self) -> Cost:
        """What leaves rows out that no window covers, with a tree."""
        used = self.rows.used()[: self.input.height]
        if self.rows_within or used.all():
            return Cost()
        beats = self.input.elements // self.lanes
        return counter_cost(beats // self.input.height) + counter_cost(self.input.height, [used])

    def direction_cost(self, bits: int, words: int, slots: Slots) -> Cost:
        """The accumulators of one direction, numbers of ``bits`` bits for each lane."""
        memory = delay_cost(bits * self.row_lanes, words, self.memory, absorbed=True)
        return self.slots_cost(bits, slots.count) + memory * slots.count

    @abstractmethod
    def slots_cost(self, bits: int, slots: int) -> Cost:
        """What combines numbers of ``bits`` bits in each of so many accumulators of all lanes."""


def windows_of(run: int, slots: Slots) -> int:
    """Windows of a run of so many columns or rows."""
    return slots.axis.outputs if run == slots.axis.size else run // slots.axis.kernel


def windows_view(frames: NDArray[np.int64], layer: Pooling, around: int) -> NDArray[np.int64]:
    """``(frame, y, x, channel, ky, kx)``: the windows of frames with that number around them."""
    window = layer.window
    above, left, below, right = window.pads
    edges: Sequence[tuple[int, int]] = ((0, 0), (above, below), (left, right), (0, 0))
    padded = np.pad(frames, edges, constant_values=around)
    view = np.lib.stride_tricks.sliding_window_view(padded, window.kernel, axis=(1, 2))
    found: NDArray[np.int64] = view[:, :: window.strides[0], :: window.strides[1]]
    return found
