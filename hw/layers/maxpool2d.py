"""2x2 max pooling."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from subbit.hw.contract.blocks import counter_cost, luts
from subbit.hw.contract.cost import Cost
from subbit.hw.contract.memory import delay_cost
from subbit.hw.contract.unit import Beats, Lanes
from subbit.hw.layers.windowmax import greater_cost
from subbit.hw.streams.shapes import LanesUnit, beat_sizes
from subbit.sw.cycles.model import GIVE, TAKE, Process
from subbit.sw.ir.types import TensorType

__all__ = ["MaxPool2dUnit", "pool_sizes"]

COMPARED_TWICE = 2  # bits that are compared twice in a cycle
# Cells of an iCE40 for a bit of a row that is kept in registers and compared in the same cycle.
SHARED = 0.75


def pool_sizes(x: TensorType) -> list[int]:
    """The elements that a beat of ``x`` may hold in front of 2x2 pooling, ascending: those of
    ``beat_sizes`` whose columns, and rows, have their neighbours in the beat or in the next one.
    """
    sizes = []
    for lanes in beat_sizes(x):
        pixels = max(1, lanes // x.channels)
        columns, rows = min(pixels, x.width), max(1, pixels // x.width)
        if halves(columns, x.width) and halves(rows, x.height):
            sizes.append(lanes)
    return sizes


def halves(run: int, size: int) -> bool:
    """Whether runs of ``run`` of ``size`` elements make whole runs of the greater of two each."""
    return run in (1, size) or run % 2 == 0 or size % 2 == 0


@dataclass(frozen=True, kw_only=True)
class MaxPool2dUnit(LanesUnit):
    """``max over ky, kx in 0..1 of x[2 * y + ky, 2 * x + kx, c]``: the greatest of each 2x2 block,
    stride 2; a last odd row or column is dropped.

    ``input``: a tensor of codes or integers of at least 2x2. ``lanes``: elements a beat, one of
    ``pool_sizes``. The output has the input's type.

    Where a beat holds both columns of each block (an even number of pixels, or whole rows), the
    unit gives a half or a quarter as many lanes. Where it does not (some channels of a pixel, a
    pixel, an odd number of pixels), it gives as many lanes, and two beats make one. A line of
    ``W // 2`` pixels is kept, unless a beat holds both rows; ``memory``: where, one of ``auto``,
    ``block``, ``distributed``.

    Latency: 1 cycle after the last beat of the block; 2 where its columns come in two beats, and
    where elements have more than 2 bits, so that a register parts the two comparisons. Interval:
    ``H * W * C / lanes`` cycles, a beat a cycle. Raises PlanError where ``lanes`` is none of
    ``pool_sizes``.
    """

    component: ClassVar[str] = "subbit.hw.layers.maxpool2d_rtl:MaxPool2d"
    input: TensorType
    lanes: int
    memory: str = "auto"

    @property
    def sizes(self) -> list[int]:
        """Those of ``pool_sizes``."""
        return pool_sizes(self.input)

    @property
    def o(self) -> Lanes:
        """As the input, fewer lanes where a beat holds both columns or both rows."""
        if not self.columns_within:
            return self.i
        rows = self.run_rows // 2 if self.rows_within else self.run_rows
        return Lanes.of(self.input, self.pair_lanes // self.run_rows * rows)

    @property
    def run_columns(self) -> int:
        """Columns of a beat."""
        return min(self.beat_pixels, self.input.width)

    @property
    def run_rows(self) -> int:
        """Rows of a beat; 1 where it holds a part of one."""
        return max(1, self.beat_pixels // self.input.width)

    @property
    def columns_within(self) -> bool:
        """Whether a beat holds both columns of its blocks."""
        return self.run_columns == self.input.width or self.run_columns % 2 == 0

    @property
    def rows_within(self) -> bool:
        """Whether a beat holds both rows of its blocks."""
        return self.run_rows == self.input.height or self.run_rows % 2 == 0

    @property
    def parted(self) -> bool:
        """Whether a register parts columns from rows where a beat holds both columns."""
        return self.input.bits > COMPARED_TWICE

    @property
    def pair_lanes(self) -> int:
        """Elements that are left of a beat, or of two, when the greater of two columns is taken."""
        if not self.columns_within:
            return self.lanes
        return self.run_columns // 2 * self.run_rows * self.input.channels

    @property
    def interval_cycles(self) -> int:
        """Cycles between two frames when neither neighbour is slower."""
        return self.input.elements // self.lanes

    @property
    def line_words(self) -> int:
        """Words of the line memory."""
        if self.columns_within:
            return self.input.width // self.run_columns
        return self.input.width // 2 // self.run_columns * self.chunks

    def processes(self) -> tuple[Process, ...]:
        """The greater of each pair in a row, then of each pair of rows; both at once where a beat
        holds both columns of few bits.
        """
        height, columns = self.input.height, self.input.width // self.run_columns
        if self.columns_within:
            both = np.full((height // self.run_rows, self.line_words), TAKE, np.uint8)
            both[slice(None) if self.rows_within else slice(1, None, 2)] |= GIVE
            pooled = Process("pool", both.ravel())
            if not self.parted:
                return (pooled,)
            pairs = np.full(self.interval_cycles, TAKE | GIVE, np.uint8)
            return Process("pool columns", pairs), pooled
        pair = np.full((height, columns, self.chunks), TAKE, np.uint8)
        pair[: height // 2 * 2, 1::2] |= GIVE
        rows = np.full((height // 2 * 2, self.line_words), TAKE, np.uint8)
        rows[1::2] |= GIVE
        return Process("pool columns", pair.ravel()), Process("pool rows", rows.ravel())

    def reference(self, beats: Beats) -> Beats:
        """The maximum over each block."""
        height, width, channels = self.input.shape
        frames = beats.reshape(-1, height, width, channels)
        quarters = [
            frames[:, y : height // 2 * 2 : 2, x : width // 2 * 2 : 2]
            for y in (0, 1)
            for x in (0, 1)
        ]
        pooled: Beats = np.max(quarters, axis=0).reshape(-1, self.o.lanes)
        return pooled

    def cost(self) -> Cost:
        """Memories, a comparator and a choice per lane and direction, counters."""
        width, bits = self.i.width, self.input.bits
        greater = greater_cost(bits)
        if self.columns_within:
            return self.within_cost(greater)
        lines = delay_cost(width, self.chunks, self.memory, absorbed=bits <= 2)
        lines += delay_cost(width, self.line_words, self.memory, absorbed=bits <= 2)
        used = [y < self.input.height // 2 * 2 for y in range(self.input.height)]
        counters = counter_cost(self.chunks) + counter_cost(self.input.width // self.run_columns)
        counters += counter_cost(self.input.height, [used]) + counter_cost(self.line_words)
        results = (greater * self.lanes + Cost(flip_flops=width)) * 2
        return lines + results + counters + luts(8) + Cost(flip_flops=3)

    def within_cost(self, greater: Cost) -> Cost:
        """The cost where a beat holds both columns; ``greater``: that of the greater of two."""
        width, bits = self.pair_lanes * self.input.bits, self.input.bits
        total = greater * self.o.lanes + Cost(flip_flops=self.o.width + 1) + luts(2)
        if bits == 2:  # on an iCE40 a table more
            total += luts(0, self.o.lanes)
        if self.parted:
            total += luts(2) + Cost(flip_flops=width + 1)
        if self.rows_within:
            single = bits == 1 and not self.input.signed  # one table ORs all four
            return total if single else total + greater * self.pair_lanes
        groups = self.input.height // self.run_rows
        line = delay_cost(width, self.line_words, self.memory, absorbed=bits <= 2)
        if self.line_words == 1 and not self.parted:
            line = luts(0, round(SHARED * width)) + Cost(flip_flops=width)
        counters = counter_cost(self.line_words)
        counters += counter_cost(groups, [[group % 2 == 1 for group in range(groups)]])
        return total + greater * self.pair_lanes + line + counters + luts(2)
