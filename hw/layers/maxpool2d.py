"""2x2 max pooling."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from subbit.hw.contract.blocks import comparator_cost, counter_cost, luts
from subbit.hw.contract.cost import Cost
from subbit.hw.contract.memory import delay_cost
from subbit.hw.contract.unit import Beats, Lanes
from subbit.hw.streams.shapes import LanesUnit
from subbit.sw.cycles.model import GIVE, TAKE, Process
from subbit.sw.ir.types import TensorType

__all__ = ["MaxPool2dUnit"]


@dataclass(frozen=True, kw_only=True)
class MaxPool2dUnit(LanesUnit):
    """``max over ky, kx in 0..1 of x[2 * y + ky, 2 * x + kx, c]``: the greatest of each 2x2 block,
    stride 2; a last odd row or column is dropped.

    ``input``: a tensor of codes or integers; ``lanes``: channels a beat, a divisor of its channels.
    The output has the input's type. A line of ``W // 2`` pixels is kept; ``memory``: where, one of
    ``auto``, ``block``, ``distributed``.

    Latency: 2 cycles after the last pixel of the block. Interval: ``H * W * C / lanes`` cycles, a
    beat a cycle. Raises PlanError where ``lanes`` does not divide the channels.
    """

    component: ClassVar[str] = "subbit.hw.layers.maxpool2d_rtl:MaxPool2d"
    input: TensorType
    lanes: int
    memory: str = "auto"

    @property
    def o(self) -> Lanes:
        """As the input."""
        return self.i

    @property
    def chunks(self) -> int:
        """Beats of a pixel."""
        return self.input.channels // self.lanes

    @property
    def interval_cycles(self) -> int:
        """Cycles between two frames when neither neighbour is slower."""
        return self.input.height * self.input.width * self.chunks

    @property
    def line_words(self) -> int:
        """Words of the line memory."""
        return self.input.width // 2 * self.chunks

    def processes(self) -> tuple[Process, ...]:
        """The greater of each pair in a row, then of each pair of rows."""
        height, width = self.input.height, self.input.width
        pair = np.full((height, width, self.chunks), TAKE, np.uint8)
        pair[: height // 2 * 2, 1::2] |= GIVE
        rows = np.full((height // 2 * 2, width // 2, self.chunks), TAKE, np.uint8)
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
        pooled: Beats = np.max(quarters, axis=0).reshape(-1, self.lanes)
        return pooled

    def cost(self) -> Cost:
        """Both memories, a comparator and a choice per lane and direction, counters."""
        width, bits = self.i.width, self.input.bits
        greater = luts(bits) if bits <= 2 else comparator_cost(bits) + luts(bits)
        lines = delay_cost(width, self.chunks, self.memory, absorbed=bits <= 2)
        lines += delay_cost(width, self.line_words, self.memory, absorbed=bits <= 2)
        used = [y < self.input.height // 2 * 2 for y in range(self.input.height)]
        counters = counter_cost(self.chunks) + counter_cost(self.input.width)
        counters += counter_cost(self.input.height, [used]) + counter_cost(self.line_words)
        results = (greater * self.lanes + Cost(flip_flops=width)) * 2
        return lines + results + counters + luts(8) + Cost(flip_flops=3)
