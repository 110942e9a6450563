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
from subbit.hw.layers.sums import Sums, accumulators_cost
from subbit.hw.streams.shapes import LanesUnit
from subbit.hw.window.axis import Axis
from subbit.sw.cycles.model import GIVE, TAKE, Process
from subbit.sw.ir.layers.avgpool2d import AvgPool2d
from subbit.sw.ir.types import TensorType

__all__ = ["AvgPool2dUnit", "Slots"]


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

    ``input``: a tensor of codes, whose values are added, or integers. ``lanes``: channels a beat, a
    divisor of the channels. Output: integers, the channels of each window in order. First the sums
    of the columns of a row, then of those the sums of rows: ``ceil(kernel / stride)`` accumulators
    each, as many as windows overlap. Each accumulator of rows is a memory of a word for each beat
    of a row of windows; ``memory``: where, one of ``auto``, ``block``, ``distributed``.

    Latency: 2 cycles after the last pixel of a window. Interval: ``H * W * C / lanes`` cycles, a
    beat a cycle. Raises PlanError where ``lanes`` does not divide the channels, and NetworkError
    where the layer does not fit the tensor.
    """

    component: ClassVar[str] = "subbit.hw.layers.avgpool2d_rtl:AvgPool2d"
    layer: AvgPool2d
    input: TensorType
    lanes: int
    memory: str = "auto"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.layer.infer((self.input,))

    @property
    def o(self) -> Lanes:
        """Integers of the layer's output type."""
        return self.sums.output(self.lanes)

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
    def chunks(self) -> int:
        """Beats of a pixel."""
        return self.input.channels // self.lanes

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
        return self.columns.axis.outputs * self.chunks

    @property
    def interval_cycles(self) -> int:
        """Cycles between two frames when neither neighbour is slower."""
        return self.input.height * self.input.width * self.chunks

    def processes(self) -> tuple[Process, ...]:
        """The sums along the rows that some window covers, and the sums of those."""
        columns, rows, used = self.columns, self.rows, self.rows.used()
        ends_row, ends_column = (np.logical_or.reduce(s.tables()[1]) for s in (columns, rows))
        along = np.full((self.input.height, self.input.width, self.chunks), TAKE, np.uint8)
        along[np.outer(used, ends_row)] |= GIVE
        down = np.full((int(used.sum()), self.line_words), TAKE, np.uint8)
        down[ends_column[used]] |= GIVE
        return Process("pool columns", along.ravel()), Process("pool rows", down.ravel())

    def reference(self, beats: Beats) -> Beats:
        """The sum over each window."""
        k, s = self.layer.kernel, self.layer.stride
        frames = values(self.input, beats).reshape(-1, *self.input.shape)
        windows = sliding_window_view(frames, (k, k), axis=(1, 2))[:, ::s, ::s]
        pooled: Beats = windows.sum(axis=(4, 5)).reshape(-1, self.lanes)
        return pooled

    def cost(self) -> Cost:
        """Accumulators, counters, the two registers between."""
        total = self.direction_cost(self.row_bits, self.chunks, self.columns)
        total += self.direction_cost(self.sums.bits, self.line_words, self.rows)
        used = self.rows.used()
        down = self.rows.tables()[..., used].reshape(-1, int(used.sum()))
        total += counter_cost(self.chunks) + counter_cost(self.line_words)
        total += counter_cost(self.input.width, self.columns.tables().reshape(-1, self.input.width))
        total += counter_cost(self.input.height, [used]) + counter_cost(len(down[0]), down)
        results = registers(self.row_bits * self.lanes + self.o.width)
        return total + results + luts(10) + Cost(flip_flops=2)

    def direction_cost(self, bits: int, words: int, slots: Slots) -> Cost:
        """The accumulators of one direction, numbers of ``bits`` bits for each lane."""
        memory = delay_cost(bits * self.lanes, words, self.memory, absorbed=True)
        return accumulators_cost(self.lanes, bits, slots.count) + memory * slots.count
