"""Global average pooling as sums over the map."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from subbit.hw.contract.blocks import counter_cost, luts, registers
from subbit.hw.contract.cost import Cost
from subbit.hw.contract.memory import delay_cost
from subbit.hw.contract.unit import Beats, Lanes
from subbit.hw.layers.add import values
from subbit.hw.layers.sums import Sums, accumulators_cost
from subbit.hw.streams.shapes import LanesUnit
from subbit.sw.cycles.model import GIVE, TAKE, Process
from subbit.sw.ir.types import TensorType

__all__ = ["GlobalAvgPoolUnit"]


@dataclass(frozen=True, kw_only=True)
class GlobalAvgPoolUnit(LanesUnit):
    """``sum over y, x of value(x[y, x, c])``, the sum of each channel over the map; the division
    belongs to what follows.

    ``input``: a tensor of codes, whose values are added, or integers. ``lanes``: channels a beat, a
    divisor of the channels. Output: ``C / lanes`` beats of integers a frame. A memory keeps a word
    for each beat of a pixel; ``memory``: where, one of ``auto``, ``block``, ``distributed``.

    Latency: 1 cycle after the last pixel's beat of the same channels. Interval:
    ``H * W * C / lanes`` cycles, a beat a cycle. Raises PlanError where ``lanes`` does not divide
    the channels.
    """

    component: ClassVar[str] = "subbit.hw.layers.globalavgpool_rtl:GlobalAvgPool"
    input: TensorType
    lanes: int
    memory: str = "auto"

    @property
    def o(self) -> Lanes:
        """Integers of the layer's output type."""
        return self.sums.output(self.lanes)

    @property
    def map_pixels(self) -> int:
        """Pixels of the map: the elements of a sum."""
        return self.input.height * self.input.width

    @property
    def sums(self) -> Sums:
        """The arithmetic."""
        return Sums(self.input, self.map_pixels)

    @property
    def chunks(self) -> int:
        """Beats of a pixel."""
        return self.input.channels // self.lanes

    @property
    def interval_cycles(self) -> int:
        """Cycles between two frames when neither neighbour is slower."""
        return self.map_pixels * self.chunks

    def processes(self) -> tuple[Process, ...]:
        """Takes every beat; those of the last pixel give the sums."""
        steps = np.full((self.map_pixels, self.chunks), TAKE, np.uint8)
        steps[-1] |= GIVE
        return (Process("global pool", steps.ravel()),)

    def reference(self, beats: Beats) -> Beats:
        """The sum over the pixels."""
        frames = values(self.input, beats).reshape(-1, self.map_pixels, self.input.channels)
        pooled: Beats = frames.sum(axis=1).reshape(-1, self.lanes)
        return pooled

    def cost(self) -> Cost:
        """Accumulators, counters, the output register."""
        total = accumulators_cost(self.lanes, self.sums.bits, 1)
        total += delay_cost(self.sums.bits * self.lanes, self.chunks, self.memory, absorbed=True)
        first = [pixel == 0 for pixel in range(self.pixels)]
        counters = counter_cost(self.chunks) + counter_cost(self.pixels, [first])
        return total + counters + registers(self.o.width) + luts(7) + Cost(flip_flops=1)
