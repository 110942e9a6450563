"""The class with the greatest logit."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from subbit.hw.contract.blocks import comparator_cost, counter_cost, luts, registers
from subbit.hw.contract.cost import Cost
from subbit.hw.contract.unit import Beats, Lanes, Unit
from subbit.sw.cycles.model import GIVE, TAKE, Process
from subbit.sw.ir.types import TensorType

__all__ = ["ArgmaxUnit"]


@dataclass(frozen=True, kw_only=True)
class ArgmaxUnit(Unit):
    """Passes ``n`` logits through and then gives one beat more: the index of the greatest, the
    lowest index on ties.

    ``input``: integers ``(1, 1, n)``, one a beat. Output: one element a beat, signed, wide enough
    for logits and index. Latency: 1 cycle. Interval: ``n + 1`` cycles.
    """

    component: ClassVar[str] = "subbit.hw.layers.argmax_rtl:Argmax"
    input: TensorType

    @property
    def i(self) -> Lanes:
        """One logit."""
        return Lanes.of(self.input, 1)

    @property
    def i_range(self) -> tuple[int, int]:
        """The range of the logits."""
        return self.input.low, self.input.high

    @property
    def o(self) -> Lanes:
        """One logit, or the class."""
        return Lanes(1, max(self.input.bits, self.index_bits + 1), signed=True)

    @property
    def index_bits(self) -> int:
        """Bits of the class index, unsigned."""
        return (self.input.channels - 1).bit_length()

    @property
    def interval_cycles(self) -> int:
        """Cycles between two frames when neither neighbour is slower."""
        return self.input.channels + 1

    def processes(self) -> tuple[Process, ...]:
        """Takes and gives each logit, then gives the class."""
        steps = np.full(self.interval_cycles, TAKE | GIVE, np.uint8)
        steps[-1] = GIVE
        return (Process("argmax", steps),)

    def reference(self, beats: Beats) -> Beats:
        """Each frame's logits and its class."""
        logits = beats.reshape(-1, self.input.channels)
        classes = np.argmax(logits, axis=1)[:, None]
        return np.concatenate([logits, classes], axis=1).reshape(-1, 1)

    def cost(self) -> Cost:
        """A comparator, the best so far, the index, the output register."""
        bits, index = self.input.bits, self.index_bits
        best = comparator_cost(bits) + registers(bits)
        found = luts(index) + registers(2 * index)
        chosen = luts(self.o.bits) + Cost(flip_flops=self.o.bits)
        steps = range(self.interval_cycles)
        counter = counter_cost(len(steps), [[k == 1 for k in steps]])
        return best + found + chosen + counter + luts(6) + Cost(flip_flops=1)
