"""Numbers of one scale as numbers of another: a multiplication, a shift and limits."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from subbit.hw.contract.blocks import (
    adder_cost,
    comparator_cost,
    luts,
    product_cost,
    registers,
)
from subbit.hw.contract.cost import Cost
from subbit.hw.contract.memory import credit_queue_cost
from subbit.hw.contract.unit import Beats, Lanes
from subbit.hw.streams.shapes import LanesUnit
from subbit.hw.tables.packing import pack_elements
from subbit.hw.tables.rom import RomTable, period, rom_of, style_of
from subbit.sw.cycles.model import GIVE, TAKE, Process
from subbit.sw.ir.arrays import Ints
from subbit.sw.ir.layers.requantise import Requantise
from subbit.sw.ir.types import TensorType, signed_bits

__all__ = ["RequantiseConfig", "RequantiseUnit"]

MULTIPLIER_BITS = 18  # of each operand of an ECP5's multiplier


@dataclass(frozen=True, eq=False, kw_only=True)
class RequantiseConfig:
    """The arithmetic of a Requantise ``layer``: a pipeline without streams, ``lanes`` numbers at a
    time, channels in order.

    ``x``: the type of the numbers; ``bits``: of the two's complement results; ``copies``: sets of
    lanes side by side that share the constants. Latency: ``latency`` cycles from numbers to
    results: 2, 1 more with two lines, 1 more where results are limited, and 1 more with constants
    in block RAM. Interval: a group of lanes a cycle.
    """

    layer: Requantise
    x: TensorType
    lanes: int
    bits: int
    copies: int = 1

    @property
    def bends(self) -> bool:
        """Whether there are two lines."""
        return self.layer.lines == 2

    @cached_property
    def sum_bits(self) -> int:
        """Two's complement bits of the sums before the shift."""
        return max(signed_bits(*self.layer.sums(self.x.low, self.x.high)), self.layer.shift + 1)

    @cached_property
    def limits(self) -> tuple[bool, bool]:
        """Whether any number is beneath the lower limit, and whether any is above the upper."""
        low, high = (end >> self.layer.shift for end in self.layer.sums(self.x.low, self.x.high))
        return low < self.layer.low, high > self.layer.high

    @cached_property
    def knees(self) -> Ints:
        """The knees, no further out than a step beyond the numbers."""
        return np.clip(self.layer.knee, self.x.low, self.x.high + 1)

    @cached_property
    def knee_bits(self) -> int:
        """Two's complement bits of a knee, and of the numbers that are compared with it."""
        return max(self.x.bits, signed_bits(int(self.knees.min()), int(self.knees.max())))

    @cached_property
    def scale_bits(self) -> int:
        """Two's complement bits of a scale."""
        return signed_bits(int(self.layer.scale.min()), int(self.layer.scale.max()))

    @property
    def word_bits(self) -> int:
        """Bits of all constants of a channel."""
        return self.layer.lines * (self.scale_bits + self.sum_bits) + self.bends * self.knee_bits

    @cached_property
    def table(self) -> RomTable:
        """The constants of the lanes, one word a group: scales, offsets modulo ``2**sum_bits``,
        and the knee of each lane, the first lane lowest.
        """
        parts = [
            *((self.layer.scale[:, line], self.scale_bits) for line in range(self.layer.lines)),
            *((self.layer.offset[:, line], self.sum_bits) for line in range(self.layer.lines)),
            *([(self.knees, self.knee_bits)] if self.bends else []),
        ]
        words, at = [0] * self.layer.channels, 0
        for numbers, bits in parts:
            mask = (1 << bits) - 1
            words = [w | (int(n) & mask) << at for w, n in zip(words, numbers, strict=True)]
            at += bits
        rows = [words[at : at + self.lanes] for at in range(0, len(words), self.lanes)]
        packed = [pack_elements(row, self.word_bits) for row in rows]
        return rom_of(packed[: period(packed)], self.word_bits * self.lanes)

    @cached_property
    def table_cycles(self) -> int:
        """Cycles to read the constants: 1, or from block RAM and a register behind it 2."""
        width = self.word_bits * self.lanes
        return 1 + (style_of(self.table.depth, width) == "block")

    @property
    def latency(self) -> int:
        """Cycles from numbers to results."""
        return self.table_cycles + 1 + self.bends + any(self.limits)

    @property
    def cost(self) -> Cost:
        """Estimated cost after mapping, beside the multipliers of an ECP5."""
        moving, x_bits = self.table.style != "const", self.x.bits
        lane = adder_cost(self.sum_bits) + Cost(flip_flops=self.sum_bits)
        alike = 2 if self.bends and not moving else self.table.depth
        lane += product_cost(x_bits, self.scale_bits, alike) + Cost(flip_flops=self.sum_bits)
        if x_bits > MULTIPLIER_BITS:
            lane += luts(self.sum_bits, 0)
        if self.bends:
            chosen = self.scale_bits + self.sum_bits
            lane += comparator_cost(self.knee_bits) + registers(x_bits)
            lane += (luts(chosen) if moving else luts(chosen // 2)) + Cost(flip_flops=chosen)
        shifted = self.sum_bits - self.layer.shift
        if any(self.limits):
            lane += luts(sum(self.limits) * ((shifted + 2) // 3) + self.bits)
            lane += Cost(flip_flops=self.bits)
        total = lane * (self.lanes * self.copies)
        if moving:
            total += registers(self.sum_bits * self.lanes)
        return total + self.table.cost + self.table.output_register_cost


@dataclass(frozen=True, eq=False, kw_only=True)
class RequantiseUnit(LanesUnit):
    """``min(max((scale[c][k] * x + offset[c][k]) >> shift, low), high)``: a requantise ``layer``
    between two streams.

    ``input``: the type of the input tensor; ``lanes``: integers a beat, some channels of a pixel,
    whole pixels of a row, which share constants, or whole rows. Output: two's complement integers
    of the layer's output type. Latency: 4 cycles, 1 more with two lines, 1 more where results are
    limited, 1 more with constants in block RAM. Interval: ``elements / lanes`` cycles, a beat a
    cycle.

    Raises PlanError where a beat of the input may not hold ``lanes`` elements, and NetworkError
    where the layer does not fit the tensor.
    """

    component: ClassVar[str] = "subbit.hw.post.requantise_rtl:Requantise"
    layer: Requantise
    input: TensorType
    lanes: int

    def __post_init__(self) -> None:
        super().__post_init__()
        self.layer.infer((self.input,))

    @property
    def o(self) -> Lanes:
        """Integers of the layer's output type."""
        return Lanes.of(self.layer.infer((self.input,)), self.lanes)

    @cached_property
    def core(self) -> RequantiseConfig:
        """The arithmetic."""
        return RequantiseConfig(
            layer=self.layer,
            x=self.input,
            lanes=self.lanes // self.beat_pixels,
            copies=self.beat_pixels,
            bits=self.o.bits,
        )

    @property
    def depth(self) -> int:
        """Beats that the output queue holds."""
        return self.core.latency + 3

    def processes(self) -> tuple[Process, ...]:
        """Takes and gives a beat a cycle."""
        steps = np.full(self.input.elements // self.lanes, TAKE | GIVE, np.uint8)
        return (Process("requantise", steps, self.core.latency + 2, self.depth, 1),)

    def cost(self) -> Cost:
        """Estimated cost: the arithmetic, input registers and the queue."""
        stages = registers(self.i.width * self.core.table_cycles + self.core.latency + 1) + luts(2)
        return self.core.cost + stages + credit_queue_cost(self.o.width, self.depth)

    def reference(self, beats: Beats) -> Beats:
        """Each element by the line of its channel."""
        return self.layer.apply(beats.reshape(-1, self.input.channels)).reshape(-1, self.lanes)
