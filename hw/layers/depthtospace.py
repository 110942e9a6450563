"""Channels of a stream that become rows and columns."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from subbit.hw.contract.blocks import choice_cost, counter_cost, first_of, luts, registers
from subbit.hw.contract.cost import Cost
from subbit.hw.contract.memory import memory_cost
from subbit.hw.contract.unit import Beats, Lanes, Unit
from subbit.hw.streams.shapes import beat_sizes, check_beat
from subbit.sw.cycles.model import GIVE, TAKE, Process
from subbit.sw.ir.layers.depthtospace import DepthToSpace
from subbit.sw.ir.types import TensorType

__all__ = ["DepthToSpaceUnit", "depthtospace_sizes"]


def depthtospace_sizes(layer: DepthToSpace, x: TensorType) -> list[int]:
    """How many elements an output beat may hold, ascending: a part of what an input pixel gives to
    an output row, that of whole input pixels of a row, or all of whole input rows.
    """
    part = x.channels // layer.rows
    row, rows = part * x.width, x.channels * x.width

    def fits(size: int) -> bool:
        if size <= part:
            return part % size == 0
        return row % size == 0 and size % part == 0 if size <= row else size % rows == 0

    return [size for size in beat_sizes(layer.infer((x,))) if fits(size)]


@dataclass(frozen=True, kw_only=True)
class DepthToSpaceUnit(Unit):
    """The channels of each pixel of ``input`` as a block of pixels, by ``layer``; ``lanes``
    elements an output beat, one of ``depthtospace_sizes``.

    An input beat holds whole pixels. What they give to the first output row follows at once; the
    rest is kept in a memory of ``depth`` words, or in the output register alone where a row is one
    beat. Latency: 1 cycle. Interval: the beats of the output, a beat a cycle.

    Two pixels, blocks of 2 by 1, an output pixel a beat::

        i.payload   A   B   .   .   C   D   .   .
        o.payload   .   A0  B0  A1  B1  C0  D0  C1  D1

    Raises PlanError where a beat may not hold ``lanes`` elements.
    """

    component: ClassVar[str] = "subbit.hw.layers.depthtospace_rtl:DepthToSpace"
    layer: DepthToSpace
    input: TensorType
    lanes: int

    def __post_init__(self) -> None:
        sizes = depthtospace_sizes(self.layer, self.input)
        check_beat(self.lanes, self.layer.infer((self.input,)), sizes)

    @property
    def part(self) -> int:
        """Elements that an input pixel gives to an output row."""
        return self.input.channels // self.layer.rows

    @property
    def chunks(self) -> int:
        """Output beats of such a part; 1 where a beat holds whole ones."""
        return max(1, self.part // self.lanes)

    @property
    def rows(self) -> int:
        """How many output rows are given one behind the other; 1 where a beat holds them all."""
        return 1 if self.lanes > self.part * self.input.width else self.layer.rows

    @property
    def pixels(self) -> int:
        """Input pixels of a beat."""
        return max(1, self.lanes * self.rows // self.input.channels)

    @property
    def i(self) -> Lanes:
        """Whole pixels of the input."""
        return Lanes.of(self.input, self.pixels * self.input.channels)

    @property
    def o(self) -> Lanes:
        """Elements of the output."""
        return Lanes.of(self.input, self.lanes)

    @property
    def i_range(self) -> tuple[int, int]:
        """The range of the input tensor."""
        return self.input.low, self.input.high

    @property
    def line(self) -> int:
        """Input beats of a row; 1 where a beat holds whole rows."""
        return max(1, self.input.width // self.pixels)

    @property
    def depth(self) -> int:
        """Words of an input beat that are kept; 1 where the output register keeps it."""
        return self.line if self.rows > 1 else 1

    def processes(self) -> tuple[Process, ...]:
        """A beat is taken with the first that it gives; those of further rows come later."""
        taken = self.input.elements // self.i.lanes
        shape = (taken // self.line, self.rows, self.line, self.chunks)
        steps = np.full(shape, GIVE, np.uint8)
        steps[:, 0, :, 0] |= TAKE
        return (Process("depthtospace", steps.ravel()),)

    def reference(self, beats: Beats) -> Beats:
        """Every pixel as a block."""
        x, layer = self.input, self.layer
        frames = beats.reshape(-1, x.height, x.width, layer.rows, self.part)
        return frames.swapaxes(2, 3).reshape(-1, self.lanes)

    def cost(self) -> Cost:
        """The memory, the output register with what goes into it, counters."""
        kept = self.o.width * self.chunks
        total = registers(kept) if self.rows == self.chunks == 1 else luts(kept)
        total += luts(kept if self.chunks > 1 else 0)
        total += counter_cost(self.chunks, [first_of(self.chunks)]) + luts(4) + Cost(flip_flops=1)
        if self.rows > 1:
            rest = kept * (self.rows - 1)
            total += counter_cost(self.line) + counter_cost(self.rows, [first_of(self.rows)])
            total += choice_cost(self.rows - 1, kept) + Cost(flip_flops=kept)
            total += memory_cost(rest, self.depth) + luts(self.line.bit_length())
        return total
