"""A border around a stream's map."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from subbit.hw.contract.blocks import counter_cost, first_of, luts
from subbit.hw.contract.cost import Cost
from subbit.hw.contract.unit import Beats, Lanes
from subbit.hw.streams.shapes import LanesUnit, beat_sizes
from subbit.sw.cycles.model import GIVE, TAKE, WAIT, Process
from subbit.sw.ir.layers.pad import Pad
from subbit.sw.ir.types import TensorType, recoding

__all__ = ["PadUnit", "pad_sizes"]


def pad_sizes(layer: Pad, x: TensorType) -> list[int]:
    """How many elements an input beat may hold, ascending: so many that the border is whole beats,
    or part of a beat on both sides of whole rows, or around the whole map.
    """
    above, left, below, right = layer.margins
    row = x.width * x.channels

    def fits(size: int) -> bool:
        if size == x.elements or size <= x.channels:
            return True
        if size < row:
            pixels = size // x.channels
            return left % pixels == 0 and right % pixels == 0
        return above % (size // row) == 0 and below % (size // row) == 0

    return [size for size in beat_sizes(x) if fits(size)]


@dataclass(frozen=True, kw_only=True)
class PadUnit(LanesUnit):
    """The border of ``layer`` around the tensor ``input``, which comes ``lanes`` elements a beat,
    one of ``pad_sizes``. An output beat holds as many, or the same whole rows with what is left and
    right of them, or the whole map.

    Elements become those of the layer's output type. Latency: 1 cycle. Interval: the beats of the
    output, a beat a cycle; those of the border take no input, and the first of a frame waits for
    it.

    A row of two pixels, padded by one on the left and two on the right::

        i.payload   A A B . . C
        o.payload   . b A B b b b C

    Raises PlanError where a beat may not hold ``lanes`` elements.
    """

    component: ClassVar[str] = "subbit.hw.layers.pad_rtl:Pad"
    layer: Pad
    input: TensorType
    lanes: int

    @property
    def sizes(self) -> list[int]:
        """Those around which the border is whole beats, or part of each."""
        return pad_sizes(self.layer, self.input)

    @property
    def output(self) -> TensorType:
        """The padded tensor."""
        return self.layer.infer((self.input,))

    @property
    def beat_rows(self) -> int:
        """Whole input rows of a beat; 0 where it holds less than one."""
        return self.lanes // (self.input.width * self.input.channels)

    @property
    def whole(self) -> bool:
        """Whether a beat holds the map."""
        return self.lanes == self.input.elements

    @property
    def o(self) -> Lanes:
        """Elements of the padded tensor."""
        if self.whole:
            return Lanes.of(self.output, self.output.elements)
        row = self.output.width * self.output.channels
        return Lanes.of(self.output, self.beat_rows * row if self.beat_rows else self.lanes)

    @property
    def grid(self) -> tuple[list[bool], list[bool]]:
        """Of the rows of output beats, and of the beats of a row (less their chunks), whether they
        are those of the input.
        """
        if self.whole:
            return [True], [True]
        above, left, below, right = self.layer.margins
        rows, pixels = max(1, self.beat_rows), self.beat_pixels
        down = [False] * (above // rows) + [True] * (self.input.height // rows)
        down += [False] * (below // rows)
        if self.beat_rows:
            return down, [True]
        across = [False] * (left // pixels) + [True] * (self.input.width // pixels)
        return down, across + [False] * (right // pixels)

    def processes(self) -> tuple[Process, ...]:
        """A beat of the map is taken and given, a beat of the border given alone; the first beat of
        a frame waits for it to come.
        """
        down, across = (np.array(flags) for flags in self.grid)
        inside = np.repeat(np.outer(down, across).ravel(), self.chunks)
        steps = np.where(inside, TAKE | GIVE, GIVE).astype(np.uint8)
        steps[0] |= WAIT
        return (Process("pad", steps),)

    def reference(self, beats: Beats) -> Beats:
        """The map with its border."""
        factor, offset = recoding(self.input, self.output)
        above, left, below, right = self.layer.margins
        maps = factor * beats.reshape(-1, *self.input.shape) + offset
        around = ((0, 0), (above, below), (left, right), (0, 0))
        border = self.layer.stored(self.output)
        return np.pad(maps, around, constant_values=border).reshape(-1, self.o.lanes)

    def cost(self) -> Cost:
        """The output register, which a reset makes zeros of a border and a table each of its ones,
        and counters of rows and columns.
        """
        down, across = self.grid
        width = self.lanes * self.output.bits
        counters = counter_cost(self.chunks, [first_of(self.chunks)])
        for flags in (down, across):
            counters += counter_cost(len(flags), [flags, first_of(len(flags))])
        border = self.layer.stored(self.output) & ((1 << self.output.bits) - 1)
        ones = self.lanes * border.bit_count() if not self.whole else 0
        kept = luts(ones, width) + Cost(flip_flops=width)
        return kept + counters + luts(6) + Cost(flip_flops=1)
