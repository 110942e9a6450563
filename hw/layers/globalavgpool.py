"""Global average pooling as sums over the map."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from subbit.hw.contract.blocks import counter_cost, luts, registers
from subbit.hw.contract.cost import Cost
from subbit.hw.contract.memory import delay_cost
from subbit.hw.contract.unit import Beats, Lanes
from subbit.hw.layers.add import values
from subbit.hw.layers.sums import Sums, SumTree, accumulators_cost
from subbit.hw.streams.shapes import LanesUnit
from subbit.sw.cycles.model import GIVE, TAKE, Process
from subbit.sw.ir.types import TensorType

__all__ = ["GlobalAvgPoolUnit"]


@dataclass(frozen=True, kw_only=True)
class GlobalAvgPoolUnit(LanesUnit):
    """``sum over y, x of value(x[y, x, c])``, the sum of each channel over the map; the division
    belongs to what follows.

    ``input``: a tensor of codes, whose values are added, or integers. ``lanes``: elements a beat:
    some channels of a pixel, whole pixels of a row, or whole rows. Output: integers, as many
    channels a beat as the input has lanes, all of them where it has whole pixels. The pixels of a
    beat are added in a tree of ``stages`` registers; a memory keeps the sums so far, a word for
    each beat of a pixel; ``memory``: where, one of ``auto``, ``block``, ``distributed``.

    Latency: 1 cycle after the last pixel's beat of the same channels, and one more for each of
    ``stages``: 0 for one pixel, ``ceil(log2(pixels))`` for more, with single bits 1 less, but at
    least 1. Interval: ``H * W * C / lanes`` cycles, a beat a cycle. Raises PlanError where a beat
    of the input may not hold ``lanes`` elements.
    """

    component: ClassVar[str] = "subbit.hw.layers.globalavgpool_rtl:GlobalAvgPool"
    input: TensorType
    lanes: int
    memory: str = "auto"

    @property
    def o(self) -> Lanes:
        """Integers of the layer's output type."""
        return self.sums.output(min(self.lanes, self.input.channels))

    @property
    def map_pixels(self) -> int:
        """Pixels of the map: the elements of a sum."""
        return self.input.height * self.input.width

    @property
    def sums(self) -> Sums:
        """The arithmetic."""
        return Sums(self.input, self.map_pixels)

    @property
    def tree(self) -> SumTree:
        """What adds the pixels of a beat."""
        return SumTree(self.input, self.beat_pixels)

    @property
    def stages(self) -> int:
        """Registers of the tree; 0 where a beat holds no more than a pixel."""
        return len(self.tree.stages) if self.beat_pixels > 1 else 0

    @property
    def whole(self) -> bool:
        """Whether a beat holds a frame of several pixels."""
        return self.stages > 0 and self.pixel_beats == 1

    @property
    def pixel_beats(self) -> int:
        """Beats that hold the same channels of a frame."""
        return self.map_pixels // self.beat_pixels

    @property
    def interval_cycles(self) -> int:
        """Cycles between two frames when neither neighbour is slower."""
        return self.pixel_beats * self.chunks

    def processes(self) -> tuple[Process, ...]:
        """The tree's registers pass every beat on; those of the last pixels give the sums."""
        passed = np.full(self.interval_cycles, TAKE | GIVE, np.uint8)
        steps = np.full((self.pixel_beats, self.chunks), TAKE, np.uint8)
        steps[-1] |= GIVE
        tree = [Process(f"pixels {stage + 1}", passed) for stage in range(self.stages)]
        return (*tree, Process("global pool", steps.ravel()))

    def reference(self, beats: Beats) -> Beats:
        """The sum over the pixels."""
        frames = values(self.input, beats).reshape(-1, self.map_pixels, self.input.channels)
        pooled: Beats = frames.sum(axis=1).reshape(-1, self.o.lanes)
        return pooled

    def cost(self) -> Cost:
        """The tree, accumulators, counters, the output register."""
        lanes = self.o.lanes
        total = self.tree.cost(lanes) if self.stages else Cost()
        if self.whole:  # what the sum starts with is added to it
            return total + self.sums.end_cost * lanes + luts(2) + Cost(flip_flops=1)
        total += accumulators_cost(lanes, self.sums.bits, 1)
        total += delay_cost(self.sums.bits * lanes, self.chunks, self.memory, absorbed=True)
        first = [beat == 0 for beat in range(self.pixel_beats)]
        counters = counter_cost(self.chunks) + counter_cost(self.pixel_beats, [first])
        return total + counters + registers(self.o.width) + luts(7) + Cost(flip_flops=1)
