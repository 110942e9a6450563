"""Average pooling as sums over windows."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from subbit.hw.contract.blocks import counter_cost, luts, registers
from subbit.hw.contract.cost import Cost
from subbit.hw.contract.memory import delay_cost
from subbit.hw.contract.unit import Beats, Lanes
from subbit.hw.layers.add import values
from subbit.hw.layers.sums import Sums, SumTree, accumulators_cost
from subbit.hw.streams.shapes import LanesUnit, beat_sizes
from subbit.hw.window.axis import Axis
from subbit.sw.cycles.model import GIVE, TAKE, Process
from subbit.sw.ir.layers.avgpool2d import AvgPool2d
from subbit.sw.ir.types import TensorType

__all__ = ["AvgPool2dUnit", "Slots", "window_sizes"]


def window_sizes(layer: AvgPool2d, x: TensorType) -> list[int]:
    """The elements that a beat of ``x`` may hold in front of ``layer``, ascending: channels of one
    pixel; whole rows, or where windows lie side by side whole windows of them; of several rows all,
    or where windows lie side by side whole windows.
    """
    sizes = []
    for lanes in beat_sizes(x):
        pixels = lanes // x.channels
        columns, rows = min(pixels, x.width), max(1, pixels // x.width)
        one_row = rows == 1 or holds_windows(layer, rows, x.height)
        if pixels <= 1 or (one_row and holds_windows(layer, columns, x.width)):
            sizes.append(lanes)
    return sizes


def holds_windows(layer: AvgPool2d, run: int, size: int) -> bool:
    """Whether every window lies in one of the runs of ``run`` of ``size`` columns or rows."""
    return run == size or (layer.stride == layer.kernel and run % layer.kernel == 0)


@dataclass(frozen=True)
class Slots:
    """Which window each of some accumulators is busy with along one direction, ``axis``.

    Windows overlap where the stride is less than the kernel; window j belongs to accumulator
    ``j % count``, ``count = ceil(kernel / stride)``.
    """

    axis: Axis

    @property
    def count(self) -> int:
        """Accumulators."""
        return -(-self.axis.kernel // self.axis.stride)

    def tables(self) -> NDArray[np.bool_]:
        """``(2, count, size)``: where a window of each accumulator begins, and where one ends."""
        axis = self.axis
        found = np.zeros((2, self.count, axis.size), np.bool_)
        for window in range(axis.outputs):
            found[0, window % self.count, window * axis.stride] = True
            found[1, window % self.count, window * axis.stride + axis.kernel - 1] = True
        return found

    def used(self) -> NDArray[np.bool_]:
        """``(size,)``: whether any window covers the element."""
        starts = np.arange(self.axis.outputs) * self.axis.stride
        offsets = np.arange(self.axis.size)[:, None] - starts
        inside = (offsets >= 0) & (offsets < self.axis.kernel)
        covered: NDArray[np.bool_] = np.logical_or.reduce(inside, axis=1)
        return covered


@dataclass(frozen=True, kw_only=True)
class AvgPool2dUnit(LanesUnit):
    """``sum over ky, kx of value(x[y * stride + ky, x * stride + kx, c])``, the sum of each window
    of ``layer``; the division belongs to what follows.

    ``input``: a tensor of codes, whose values are added, or integers. ``lanes``: elements a beat,
    one of ``window_sizes``. Output: integers, the channels of each window in order. First the sums
    of the columns of a row, then of those the sums of rows: ``ceil(kernel / stride)`` accumulators
    each, as many as windows overlap. Each accumulator of rows is a memory of a word for each beat
    of a row of windows; ``memory``: where, one of ``auto``, ``block``, ``distributed``.

    Where a beat holds several pixels, a tree of ``stages`` registers adds the columns of its
    windows, and in a beat of several rows their rows too: there are no accumulators then. It gives
    all windows of a beat at once.

    Latency: 2 cycles after the last pixel of a window; with a tree ``stages + 1``, with ``stages``
    of ``ceil(log2(n))`` for n numbers at once, with single bits 1 less, but at least 1. Interval:
    ``H * W * C / lanes`` cycles, a beat a cycle. Raises PlanError where ``lanes`` is none of
    ``window_sizes``, and NetworkError where the layer does not fit the tensor.
    """

    component: ClassVar[str] = "subbit.hw.layers.avgpool2d_rtl:AvgPool2d"
    layer: AvgPool2d
    input: TensorType
    lanes: int
    memory: str = "auto"

    def __post_init__(self) -> None:
        self.layer.infer((self.input,))
        super().__post_init__()

    @property
    def sizes(self) -> list[int]:
        """Those of ``window_sizes``."""
        return window_sizes(self.layer, self.input)

    @property
    def o(self) -> Lanes:
        """Integers of the layer's output type, all windows of a beat."""
        return self.sums.output(self.row_lanes * (self.window_rows if self.rows_within else 1))

    @property
    def row_lanes(self) -> int:
        """Sums of a row of windows that a beat gives, or has a share in."""
        return self.lanes if self.beat_pixels == 1 else self.window_columns * self.input.channels

    @property
    def rows_within(self) -> bool:
        """Whether a beat holds all rows of its windows."""
        return self.beat_pixels > self.input.width

    @property
    def window_columns(self) -> int:
        """Windows side by side in a beat of several pixels."""
        return self.windows(min(self.beat_pixels, self.input.width), self.columns)

    @property
    def window_rows(self) -> int:
        """Windows one above the other in a beat of several rows."""
        return self.windows(self.beat_pixels // self.input.width, self.rows)

    def windows(self, run: int, slots: Slots) -> int:
        """Windows of a run of so many columns or rows."""
        return slots.axis.outputs if run == slots.axis.size else run // self.layer.kernel

    @property
    def tree(self) -> SumTree:
        """What adds the columns of a window, or all of it."""
        return SumTree(self.input, self.layer.kernel ** (2 if self.rows_within else 1))

    @property
    def stages(self) -> int:
        """Registers of the tree; 0 where a beat holds no more than a pixel."""
        return len(self.tree.stages) if self.beat_pixels > 1 else 0

    @property
    def sums(self) -> Sums:
        """The arithmetic of a whole window."""
        return Sums(self.input, self.layer.kernel**2)

    @property
    def row_bits(self) -> int:
        """Bits of the sum over a row of a window, as stored numbers and signed."""
        low, high = (self.layer.kernel * end for end in (self.input.low, self.input.high))
        return TensorType.integers(1, 1, 1, min(low, 0), max(high, 0)).bits

    @property
    def columns(self) -> Slots:
        """The accumulators along a row."""
        return Slots(Axis(self.input.width, self.layer.kernel, self.layer.stride, 0))

    @property
    def rows(self) -> Slots:
        """The accumulators down the rows."""
        return Slots(Axis(self.input.height, self.layer.kernel, self.layer.stride, 0))

    @property
    def line_words(self) -> int:
        """Beats of a row of windows."""
        return self.columns.axis.outputs * self.input.channels // self.row_lanes

    @property
    def interval_cycles(self) -> int:
        """Cycles between two frames when neither neighbour is slower."""
        return self.input.elements // self.lanes

    def processes(self) -> tuple[Process, ...]:
        """The sums along the rows that some window covers, and the sums of those."""
        columns, rows, used = self.columns, self.rows, self.rows.used()
        ends_row, ends_column = (np.logical_or.reduce(s.tables()[1]) for s in (columns, rows))
        down = np.full((int(used.sum()), self.line_words), TAKE, np.uint8)
        down[ends_column[used]] |= GIVE
        if self.stages:
            return self.tree_processes(Process("pool rows", down.ravel()))
        along = np.full((self.input.height, self.input.width, self.chunks), TAKE, np.uint8)
        along[np.outer(used, ends_row)] |= GIVE
        return Process("pool columns", along.ravel()), Process("pool rows", down.ravel())

    def tree_processes(self, down: Process) -> tuple[Process, ...]:
        """The registers of the tree and behind it ``down``, or a register where beats hold whole
        windows.
        """
        first = np.full(self.interval_cycles, TAKE | GIVE, np.uint8)
        if self.rows_within:
            down = Process("pool", first)
        else:
            first.reshape(self.input.height, -1)[~self.rows.used()] = TAKE
        later = first[first == TAKE | GIVE]
        tree = [Process(f"pool columns {k + 1}", later if k else first) for k in range(self.stages)]
        return (*tree, down)

    def reference(self, beats: Beats) -> Beats:
        """The sum over each window."""
        k, s = self.layer.kernel, self.layer.stride
        frames = values(self.input, beats).reshape(-1, *self.input.shape)
        windows = sliding_window_view(frames, (k, k), axis=(1, 2))[:, ::s, ::s]
        pooled: Beats = windows.sum(axis=(4, 5)).reshape(-1, self.o.lanes)
        return pooled

    def cost(self) -> Cost:
        """Accumulators, counters, the two registers between; or a tree."""
        if self.stages:
            return self.tree_cost()
        total = self.direction_cost(self.row_bits, self.chunks, self.columns) + self.rows_cost()
        used = self.rows.used()
        total += counter_cost(self.chunks)
        total += counter_cost(self.input.width, self.columns.tables().reshape(-1, self.input.width))
        total += counter_cost(self.input.height, [used])
        total += registers(self.row_bits * self.lanes + self.o.width)
        return total + luts(10) + Cost(flip_flops=2)

    def rows_cost(self) -> Cost:
        """The accumulators of rows with their counters."""
        used = self.rows.used()
        down = self.rows.tables()[..., used].reshape(-1, int(used.sum()))
        total = self.direction_cost(self.sums.bits, self.line_words, self.rows)
        return total + counter_cost(self.line_words) + counter_cost(len(down[0]), down)

    def tree_cost(self) -> Cost:
        """The tree, and what is behind it."""
        used = self.rows.used()
        if self.rows_within:
            total = self.tree.cost(self.o.lanes) + self.sums.end_cost * self.o.lanes
            return total + luts(2) + Cost(flip_flops=1)
        total = self.tree.cost(self.row_lanes) + self.rows_cost()
        total += registers(self.sums.kept_bits * self.row_lanes)
        if not used.all():
            total += counter_cost(self.interval_cycles // self.input.height)
            total += counter_cost(self.input.height, [used])
        return total + luts(5) + Cost(flip_flops=1)

    def direction_cost(self, bits: int, words: int, slots: Slots) -> Cost:
        """The accumulators of one direction, numbers of ``bits`` bits for each lane."""
        memory = delay_cost(bits * self.row_lanes, words, self.memory, absorbed=True)
        return accumulators_cost(self.row_lanes, bits, slots.count) + memory * slots.count
