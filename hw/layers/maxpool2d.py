"""2x2 max pooling."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from subbit.hw.contract.cost import Cost
from subbit.hw.contract.memory import memory_cost
from subbit.hw.contract.unit import Beats, Lanes
from subbit.hw.streams.shapes import LanesUnit
from subbit.sw.cycles.model import GIVE, TAKE, Process
from subbit.sw.ir.types import TensorType

__all__ = ["MaxPool2dUnit"]


@dataclass(frozen=True)
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
        width = self.i.width
        per_bit = 1 if self.input.bits == 1 else 2
        lines = memory_cost(width, self.chunks, self.memory)
        lines += memory_cost(width, self.line_words, self.memory)
        counters = 3 * (self.interval_cycles - 1).bit_length()
        return lines + Cost(2 * per_bit * width + counters + 25, 2 * width + counters + 10)
