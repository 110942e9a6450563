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


@dataclass(frozen=True)
class FifoUnit(ElementUnit):
    """Holds up to ``depth`` beats; ``beats`` pass in a frame. No signal crosses it in one cycle.

    ``memory``: ``distributed`` (latency 1 cycle, read without a clock), ``block`` (latency 2
    cycles, and one beat more in the output register), or ``auto``, by the cost. Takes and gives a
    beat a cycle where ``depth`` is 2 or more, and every other cycle where it is 1.
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
        """The queue, and with block RAM the output register that its read port is."""
        steps = np.full(self.beats, TAKE | GIVE, np.uint8)
        queue = Process("fifo", steps, capacity=self.depth, recycle=1)
        return (queue, Process("fifo read", steps)) if self.style == "block" else (queue,)

    def reference(self, beats: Beats) -> Beats:
        """The beats as they came."""
        return beats

    def cost(self) -> Cost:
        """The memory, two pointers and the level."""
        width, depth = self.element.width, self.depth
        rest = level_cost(depth) + steps_cost(depth) * 2 + luts(4) + Cost(flip_flops=1)
        if self.style == "block":
            return memory_cost(width, depth, "block") + rest + luts(2) + Cost(flip_flops=1)
        return queue_store(width, depth) + rest
