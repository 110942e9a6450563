"""The class with the greatest logit, of a vector or at each pixel of a map."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from subbit.hw.contract.blocks import adder_cost, comparator_cost, counter_cost, luts, registers
from subbit.hw.contract.cost import Cost
from subbit.hw.contract.unit import Beats, Lanes
from subbit.hw.streams.shapes import LanesUnit
from subbit.sw.cycles.model import GIVE, PUSH, RESERVE, TAKE, Process
from subbit.sw.ir.types import TensorType

__all__ = ["ArgmaxUnit"]


@dataclass(frozen=True, kw_only=True)
class ArgmaxUnit(LanesUnit):
    """Passes ``n`` logits through and gives the index of the greatest with them, the lowest index
    on ties. The class is the last element of a frame.

    ``input``: integers ``(1, 1, n)``. ``lanes``: logits a beat, a divisor of n. Output: signed
    elements, wide enough for logits and index.

    With one lane: an element a beat, n logits and then the class in a beat of its own. Latency: 1
    cycle. Interval: ``n + 1`` cycles.

    With more: ``lanes + 1`` elements a beat, its logits and then the index of the greatest of the
    frame's logits so far, in the last beat of a frame the class. Latency: ``levels`` cycles, those
    of a tree of comparisons, and 1 more where a frame has several beats. Interval: ``n / lanes``
    cycles, a frame a cycle where a beat holds all logits.

    Six logits, three a beat::

        i.payload    5 2 9      9 7 1
        o.payload    5 2 9 2    9 7 1 2

    Of a map ``(H, W, n)`` the classes alone are given, an element a beat, one for each pixel.
    Latency: ``max(levels, 1)`` cycles behind the last logits of a pixel, and 1 more where a pixel
    has several beats. Interval: ``H * W * n / lanes`` cycles. Two pixels of four logits, two a
    beat::

        i.payload    5 2   9 7   1 0   0 1
        o.payload    .     .     .     2     .     0

    Raises PlanError where ``lanes`` does not divide n.
    """

    component: ClassVar[str] = "subbit.hw.layers.argmax_rtl:Argmax"
    input: TensorType
    lanes: int = 1

    @property
    def sizes(self) -> list[int]:
        """The divisors of n."""
        return [size for size in super().sizes if size <= self.input.channels]

    @property
    def of_map(self) -> bool:
        """Whether the input is a map, of which the classes alone are given."""
        return (self.input.height, self.input.width) != (1, 1)

    @property
    def o(self) -> Lanes:
        """One logit, or the class; with several lanes their logits, and the class so far; of a map
        the class of a pixel.
        """
        if self.of_map:
            return Lanes(1, self.index_bits + 1, signed=True)
        more = int(self.lanes > 1)
        return Lanes(self.lanes + more, max(self.input.bits, self.index_bits + 1), signed=True)

    @property
    def index_bits(self) -> int:
        """Bits of the class index, unsigned."""
        return (self.input.channels - 1).bit_length()

    @property
    def levels(self) -> int:
        """Comparisons one behind the other among the logits of a beat."""
        return (self.lanes - 1).bit_length()

    @property
    def interval_cycles(self) -> int:
        """Cycles between two frames when neither neighbour is slower."""
        if self.of_map:
            return self.chunks * self.input.height * self.input.width
        return self.chunks if self.lanes > 1 else self.chunks + 1

    def processes(self) -> tuple[Process, ...]:
        """With one lane takes and gives each logit, then gives the class; else a register for each
        level, and one for the greatest so far of several beats, of a map with a place for the class
        of a pixel.
        """
        if self.of_map:
            return self.map_processes()
        steps = np.full(self.interval_cycles, TAKE | GIVE, np.uint8)
        if self.lanes == 1:
            steps[-1] = GIVE
            return (Process("argmax", steps),)
        stages = self.levels + (self.chunks > 1)
        return tuple(Process(f"argmax {stage + 1}", steps) for stage in range(stages))

    def map_processes(self) -> tuple[Process, ...]:
        """A register for each level, one at least; where a pixel has several beats, a place for its
        class, taken with the first of them and filled with the last.
        """
        each = np.full(self.interval_cycles, TAKE | GIVE, np.uint8)
        chain = [Process(f"argmax {stage + 1}", each) for stage in range(max(self.levels, 1))]
        if self.chunks == 1:
            return tuple(chain)
        pixel = np.full(self.chunks, TAKE, np.uint8)
        pixel[0] |= RESERVE
        pixel[-1] |= PUSH
        steps = np.tile(pixel, self.input.height * self.input.width)
        return (*chain, Process("argmax so far", steps))

    def reference(self, beats: Beats) -> Beats:
        """Each frame's logits and its class; with several lanes the class so far in each beat."""
        logits = beats.reshape(-1, self.input.channels)
        if self.of_map:
            places: Beats = np.argmax(logits, axis=1)[:, None]
            return places
        if self.lanes == 1:
            classes = np.argmax(logits, axis=1)[:, None]
            return np.concatenate([logits, classes], axis=1).reshape(-1, 1)
        ends = range(self.lanes, self.input.channels + 1, self.lanes)
        so_far = np.stack([np.argmax(logits[:, :end], axis=1) for end in ends], axis=1)
        return np.hstack([beats, so_far.reshape(-1, 1)])

    def cost(self) -> Cost:
        """A comparator, the best so far, the index, the output register; or the tree."""
        if self.lanes > 1 or self.of_map:
            return self.tree_cost()
        bits, index = self.input.bits, self.index_bits
        best = comparator_cost(bits) + registers(bits)
        found = luts(index) + registers(2 * index)
        chosen = luts(self.o.bits) + Cost(flip_flops=self.o.bits)
        steps = range(self.interval_cycles)
        counter = counter_cost(len(steps), [[k == 1 for k in steps]])
        return best + found + chosen + counter + luts(6) + Cost(flip_flops=1)

    def tree_cost(self) -> Cost:
        """Comparators level by level, the logits beside them, and the greatest so far."""
        bits, total = self.input.bits, Cost()
        stages = self.levels + (self.chunks > 1)
        if self.of_map:
            first = registers(bits) if self.lanes == 1 else Cost()
            total += first + (luts(2) + Cost(flip_flops=1)) * (max(self.levels, 1) + 1)
        else:
            total += (registers(bits * self.lanes) + luts(2) + Cost(flip_flops=1)) * stages
        count = self.lanes  # of logits that are left
        for level in range(self.levels):
            kept = bits if count > 2 or self.chunks > 1 else 0  # of the greater, but for the last
            one = comparator_cost(bits) + luts(kept + level + 2) + Cost(flip_flops=kept + level + 1)
            if not level and bits > 2:
                # Complements of what a carry chain subtracts.
                one += luts(bits, bits if self.of_map else 0)
            total += one * (count // 2)
            beside = not self.of_map and (count - 1) << level >= self.lanes - 1
            if count % 2 and not beside:  # else it is one of the logits
                total += registers(bits + level)
            count = (count + 1) // 2
        if self.chunks == 1:
            return total
        index = self.index_bits
        best = comparator_cost(bits) + registers(bits)
        found = (adder_cost(index) + luts(index)) * 2 + Cost(flip_flops=2 * index)
        return (
            total + best + found + counter_cost(self.chunks, [[k == 0 for k in range(self.chunks)]])
        )
