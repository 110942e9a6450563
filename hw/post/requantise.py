"""Numbers of one scale as numbers of another: a multiplication, a shift and limits."""

from dataclasses import dataclass
from functools import cached_property
from math import ceil
from typing import ClassVar

import numpy as np

from subbit.hw.contract.blocks import (
    adder_cost,
    comparator_cost,
    lut_rom_luts,
    luts,
    registers,
    steps_cost,
)
from subbit.hw.contract.cost import Cost
from subbit.hw.contract.memory import credit_queue_cost
from subbit.hw.contract.unit import Beats, Lanes
from subbit.hw.streams.shapes import LanesUnit
from subbit.hw.tables.packing import pack_elements
from subbit.hw.tables.rom import SHALLOW, RomTable, period, rom_of, style_of
from subbit.sw.cycles.model import GIVE, TAKE, Process
from subbit.sw.ir.arrays import Ints
from subbit.sw.ir.layers.requantise import Requantise
from subbit.sw.ir.types import TensorType, signed_bits

__all__ = ["RequantiseConfig", "RequantiseUnit"]

MULTIPLIER_BITS = 18  # of each operand of an ECP5's multiplier
# Cells of an iCE40 for each pair of bits that is multiplied by 18-bit factors: one, a few, or many.
PRODUCT, MANY = {1: 0.75, 2: 1.35, 4: 2.0}, 2.6


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

    @cached_property
    def dead_bits(self) -> int:
        """The lowest bits of products that no result depends on: offsets add nothing there."""
        ends = int(np.bitwise_or.reduce(self.layer.offset, axis=None))
        lowest = (ends & -ends).bit_length() - 1 if ends else self.layer.shift
        return min(lowest, self.layer.shift)

    def moving_bits(self, start: int, bits: int) -> int:
        """How many of those bits of the lanes' words differ from word to word, equal ones once."""
        found = set()
        for at in range(self.lanes):
            for bit in range(at * self.word_bits + start, at * self.word_bits + start + bits):
                found.add(tuple(word >> bit & 1 for word in self.table.words))
        return sum(0 < sum(column) < len(column) for column in found)

    @property
    def table_cost(self) -> Cost:
        """Estimated cost of the constants and of what counts through them."""
        if self.table.style != "logic":
            return self.table.cost + self.table.output_register_cost
        columns, depth = self.moving_bits(0, self.word_bits), self.table.depth
        tables = columns * lut_rom_luts(depth)
        few = SHALLOW.get((depth - 1).bit_length(), 1.0)
        return luts(round(few * tables), tables) + Cost(flip_flops=columns) + steps_cost(depth)

    @property
    def offset_cost(self) -> Cost:
        """Estimated cost of the register of the offsets, where they differ."""
        scales = self.layer.lines * self.scale_bits
        moving = self.moving_bits(scales, self.layer.lines * self.sum_bits)
        return registers(0 if self.bends else moving)

    @cached_property
    def chosen_bits(self) -> int:
        """Of all lanes, the bits of scale and offset that depend on the line, or on the group:
        those of a lane that depend on both alike once.
        """
        total = 0
        for lane in range(self.lanes):
            rows, found = slice(lane, self.table.depth * self.lanes, self.lanes), set()
            for numbers, bits in (
                (self.layer.scale, self.scale_bits),
                (self.offsets, self.sum_bits),
            ):
                for bit in range(bits):
                    found.add(tuple((numbers[rows] >> bit & 1).reshape(-1).tolist()))
            total += sum(0 < sum(column) < len(column) for column in found)
        return total

    @cached_property
    def offsets(self) -> Ints:
        """The offsets without the bits that no result depends on."""
        return self.layer.offset >> self.dead_bits << self.dead_bits

    @property
    def choice_cost(self) -> Cost:
        """Estimated cost of all choices between two lines."""
        lane = comparator_cost(self.knee_bits) + registers(self.x.bits)
        chosen = luts(self.chosen_bits) + Cost(flip_flops=self.chosen_bits)
        return (lane * self.lanes + chosen) * self.copies

    @property
    def cost(self) -> Cost:
        """Estimated cost after mapping, with the multipliers of an ECP5."""
        kept, shifted = self.sum_bits - self.dead_bits, self.sum_bits - self.layer.shift
        ways = self.table.depth * self.layer.lines
        cells = round(PRODUCT.get(ways, MANY) * self.x.bits * self.scale_bits)
        wide = self.sum_bits if self.x.bits > MULTIPLIER_BITS else 0
        parts = Cost(few_multipliers=ceil(self.x.bits / MULTIPLIER_BITS))
        lane = luts(wide, cells) + parts + adder_cost(kept) + Cost(flip_flops=kept + shifted)
        if any(self.limits):
            lane += comparator_cost(shifted, 0) * sum(self.limits) + luts(self.bits)
            lane += Cost(flip_flops=self.bits)
        constants = self.table_cost + (self.choice_cost if self.bends else self.offset_cost)
        return lane * (self.lanes * self.copies) + constants


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
