"""Nearest upsampling of a stream."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from subbit.hw.contract.blocks import counter_cost, luts, registers, steps_cost
from subbit.hw.contract.cost import Cost
from subbit.hw.contract.memory import memory_cost
from subbit.hw.contract.unit import Beats, Lanes, Unit
from subbit.hw.streams.shapes import beat_sizes, check_beat
from subbit.sw.cycles.model import GIVE, TAKE, Process
from subbit.sw.ir.layers.upsample import Upsample
from subbit.sw.ir.types import TensorType

__all__ = ["UpsampleUnit", "upsample_sizes"]


def upsample_sizes(layer: Upsample, x: TensorType) -> list[int]:
    """How many elements an output beat may hold, ascending: those of which each input beat makes
    some whole ones, or which some whole input beats make.
    """
    pixel, row = x.channels, x.channels * x.width * layer.columns

    def fits(size: int) -> bool:
        if size <= pixel:
            return True
        if size < row:
            pixels, times = size // pixel, layer.columns
        else:
            pixels, times = size // row, layer.rows
        return times % pixels == 0 or pixels % times == 0

    return [size for size in beat_sizes(layer.infer((x,))) if fits(size)]


@dataclass(frozen=True, kw_only=True)
class UpsampleUnit(Unit):
    """Each element of ``input`` as a block, by the factors of ``layer``; ``lanes`` elements an
    output beat, one of ``upsample_sizes``.

    What one beat holds several times is wiring, so an input beat has fewer elements where an output
    beat has whole pixels. The beats of a pixel, or of a row, that come again are kept: ``depth``
    words of an input beat in a memory, or the output register alone where nothing comes between.
    Latency: 1 cycle. Interval: the beats of the output, a beat a cycle.

    Two pixels of two beats, factors 2 and 2::

        i.payload   A B . . C D . . . . . . . . . .
        o.payload   . A B A B C D C D A B A B C D C D

    Raises PlanError where a beat may not hold ``lanes`` elements.
    """

    component: ClassVar[str] = "subbit.hw.layers.upsample_rtl:Upsample"
    layer: Upsample
    input: TensorType
    lanes: int

    def __post_init__(self) -> None:
        sizes = upsample_sizes(self.layer, self.input)
        check_beat(self.lanes, self.layer.infer((self.input,)), sizes)

    @cached_property
    def block(self) -> tuple[int, int]:
        """Rows and columns of the output that a beat holds of each of its input's pixels."""
        pixels = max(1, self.lanes // self.input.channels)
        row = self.input.width * self.layer.columns
        if pixels < row:
            return 1, min(pixels, self.layer.columns)
        return min(pixels // row, self.layer.rows), self.layer.columns

    @property
    def i(self) -> Lanes:
        """Elements of the input, each once."""
        rows, columns = self.block
        return Lanes.of(self.input, self.lanes // (rows * columns))

    @property
    def o(self) -> Lanes:
        """Elements of the output."""
        return Lanes.of(self.input, self.lanes)

    @property
    def i_range(self) -> tuple[int, int]:
        """The range of the input tensor."""
        return self.input.low, self.input.high

    @property
    def chunks(self) -> int:
        """Beats of an input pixel; 1 where a beat holds whole pixels."""
        return max(1, self.input.channels // self.i.lanes)

    @property
    def line(self) -> int:
        """Pixels of an input row, or beats of it where each holds whole pixels."""
        return max(1, self.input.width * self.input.channels // (self.i.lanes * self.chunks))

    @property
    def again(self) -> tuple[int, int]:
        """How many times the beats of a row, and those of a pixel, are given."""
        rows, columns = self.block
        return self.layer.rows // rows, self.layer.columns // columns

    @property
    def depth(self) -> int:
        """Words of an input beat that are kept; 1 where the output register keeps it."""
        rows, columns = self.again
        if rows > 1:
            return self.line * self.chunks
        return self.chunks if columns > 1 else 1

    def processes(self) -> tuple[Process, ...]:
        """The first time a beat is taken and given, after that given alone."""
        rows, columns = self.again
        lines = self.i_total // (self.line * self.chunks)
        steps = np.full((lines, rows, self.line, columns, self.chunks), GIVE, np.uint8)
        steps[:, 0, :, 0] |= TAKE
        return (Process("upsample", steps.ravel()),)

    @property
    def i_total(self) -> int:
        """Input beats of a frame."""
        return self.input.elements // self.i.lanes

    def reference(self, beats: Beats) -> Beats:
        """Every row and column repeated."""
        frames = beats.reshape(-1, *self.input.shape)
        tall = np.repeat(frames, self.layer.rows, axis=1)
        return np.repeat(tall, self.layer.columns, axis=2).reshape(-1, self.lanes)

    def cost(self) -> Cost:
        """The memory with its addresses, the output register, counters."""
        (rows, columns), width = self.again, self.i.width
        counters = counter_cost(self.chunks) + counter_cost(columns)
        if rows > 1:
            counters += counter_cost(self.line) + counter_cost(rows)
        handshake = luts(6) + Cost(flip_flops=1)
        if self.depth == 1:
            return registers(width) + counters + handshake
        kept = memory_cost(width, self.depth) + luts(width) + Cost(flip_flops=width)
        places = steps_cost(self.depth) * (2 if self.chunks > 1 and self.line > 1 else 1)
        return kept + places + luts((self.depth - 1).bit_length()) + counters + handshake
