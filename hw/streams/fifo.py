"""A queue between two units."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from subbit.hw.contract.blocks import luts, steps_cost
from subbit.hw.contract.cost import Cost
from subbit.hw.contract.memory import choose_memory, level_cost, memory_cost, queue_store
from subbit.hw.contract.unit import Beats, Lanes
from subbit.hw.streams.shapes import ElementUnit
from subbit.sw.cycles.model import GIVE, TAKE, Process

__all__ = ["FifoUnit"]


@dataclass(frozen=True, kw_only=True)
class FifoUnit(ElementUnit):
    """A queue of up to ``depth`` beats (1 or more) of payload ``element``, between two units. No
    signal crosses it within a cycle: both handshakes come from registers.

    ``beats``: that pass in a frame. ``memory``: ``distributed`` (LUT RAM, read without a clock),
    ``block`` (block RAM, behind which two beats more have a place), or ``auto``, which takes the
    block RAM where it saves enough LUT4s.

    Latency: 1 cycle, 2 with block RAM. Interval: ``beats`` cycles with a ``depth`` of 2 or more,
    and ``2 * beats`` with a ``depth`` of 1, as the place is free only the cycle after its beat was
    taken.
    """

    component: ClassVar[str] = "subbit.hw.streams.fifo_rtl:Fifo"
    element: Lanes
    depth: int
    beats: int
    memory: str = "auto"

    @property
    def style(self) -> str:
        """``block`` or ``distributed``."""
        return choose_memory(self.element.width, self.depth, self.memory)

    @property
    def interval_cycles(self) -> int:
        """Cycles between two frames when neither neighbour is slower."""
        return self.beats if self.depth > 1 else 2 * self.beats

    def processes(self) -> tuple[Process, ...]:
        """The queue, and with block RAM the two places behind its read port."""
        steps = np.full(self.beats, TAKE | GIVE, np.uint8)
        queue = Process("fifo", steps, capacity=self.depth, recycle=1)
        if self.style == "block":
            return queue, Process("fifo read", steps, capacity=2, recycle=1)
        return (queue,)

    def reference(self, beats: Beats) -> Beats:
        """The beats as they came."""
        return beats

    def cost(self) -> Cost:
        """The memory, two pointers and the level."""
        width, depth = self.element.width, self.depth
        rest = level_cost(depth) + steps_cost(depth) * 2 + luts(4) + Cost(flip_flops=1)
        if self.style == "block":
            ends = luts(width + 2) + Cost(flip_flops=width + 2)
            return memory_cost(width, depth, "block") + rest + ends
        return queue_store(width, depth) + rest
