"""Scaling and shifting numbers by the constants of their channel."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from subbit.hw.contract.blocks import adder_cost, luts, product_cost, registers
from subbit.hw.contract.cost import Cost
from subbit.hw.contract.memory import credit_queue_cost
from subbit.hw.contract.unit import Beats, Lanes
from subbit.hw.streams.shapes import LanesUnit
from subbit.hw.tables.packing import pack_elements
from subbit.hw.tables.rom import RomTable, period, rom_of, style_of
from subbit.sw.cycles.model import GIVE, TAKE, Process
from subbit.sw.ir.arrays import Ints
from subbit.sw.ir.layers.affine import Affine
from subbit.sw.ir.types import TensorType

__all__ = ["AffineConfig", "AffineUnit"]


@dataclass(frozen=True, eq=False, kw_only=True)
class AffineConfig:
    """``y = mul[c] * x + add[c]``: a pipeline without streams, ``lanes`` numbers at a time,
    channels in order.

    ``low..high``: the numbers' range. ``mul``, ``add``: ``(channels,)``. ``bits``: of the two's
    complement results. Where all ``mul`` are one power of two there is no multiplier. ``copies``:
    sets of lanes side by side that share ``mul`` and ``add``. Latency: ``latency`` cycles from
    numbers to results, 1 for the addition, 1 more with multipliers and 1 more with a table in block
    RAM. Interval: a group of lanes a cycle.
    """

    low: int
    high: int
    mul: Ints
    add: Ints
    lanes: int
    bits: int
    copies: int = 1
    lead_cycles: ClassVar[int] = 0  # its tables are read with the numbers, never earlier

    @property
    def shift(self) -> int | None:
        """k where every ``mul`` is 2**k, else None."""
        first = int(self.mul[0])
        alike = first > 0 and not first & (first - 1) and bool((self.mul == first).all())
        return first.bit_length() - 1 if alike else None

    @property
    def latency(self) -> int:
        """Cycles from numbers to results: a multiplication, if there is one, and an addition."""
        return self.table_cycles - 1 + (1 if self.shift is not None else 2)

    @cached_property
    def table_cycles(self) -> int:
        """Cycles to read a table: 1, or with one in block RAM and a register behind it 2."""
        widths = (self.mul_bits * self.lanes, self.bits * self.lanes)
        return 1 + any(style_of(self.groups, width) == "block" for width in widths)

    @property
    def signed(self) -> bool:
        """Whether numbers are two's complement."""
        return self.low < 0

    @property
    def mul_bits(self) -> int:
        """Bits of a two's complement ``mul``."""
        return 1 + max(int(self.mul.max()).bit_length(), int(~self.mul.min()).bit_length())

    @cached_property
    def groups(self) -> int:
        """Sets of lanes after which the constants repeat: the channels or fewer."""
        pairs = np.column_stack([self.mul, self.add])
        return period(pairs.reshape(len(pairs) // self.lanes, -1).tolist())

    @property
    def cost(self) -> Cost:
        """Estimated cost after mapping, with the multipliers of an ECP5."""
        count = self.lanes * self.copies
        total = (adder_cost(self.bits) + Cost(flip_flops=self.bits)) * count
        total += self.add_rom.cost + self.add_rom.output_register_cost
        if self.shift is not None:
            return total
        x_bits = max(self.high.bit_length(), (~self.low).bit_length()) + self.signed
        products = product_cost(x_bits, self.mul_bits, self.groups) * count
        products += Cost(flip_flops=self.bits * count)
        return total + products + self.mul_rom.words_cost + self.mul_rom.output_register_cost

    @property
    def mul_rom(self) -> RomTable:
        """``mul`` of each lane, one word a group."""
        return self._rom(self.mul, self.mul_bits)

    @property
    def add_rom(self) -> RomTable:
        """``add`` of each lane modulo ``2**bits``, one word a group."""
        return self._rom(self.add, self.bits)

    def _rom(self, table: Ints, bits: int) -> RomTable:
        words = [pack_elements(row, bits) for row in table.reshape(-1, self.lanes)[: self.groups]]
        return rom_of(words, bits * self.lanes)


@dataclass(frozen=True, eq=False, kw_only=True)
class AffineUnit(LanesUnit):
    """``y = scale[c] * x + offset[c]``: an affine ``layer`` between two streams.

    ``input``: the type of the input tensor; ``lanes``: integers a beat, some channels of a pixel,
    whole pixels of a row, which share scales and offsets, or whole rows. Output: two's complement
    integers of the layer's output type. Latency: 3 cycles, 1 more with multipliers and 1 more with
    constants in block RAM. Interval: ``elements / lanes`` cycles, a beat a cycle.

    Raises PlanError where a beat of the input may not hold ``lanes`` elements, and NetworkError
    where the layer does not fit the tensor.
    """

    component: ClassVar[str] = "subbit.hw.post.affine_rtl:Affine"
    layer: Affine
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
    def core(self) -> AffineConfig:
        """The arithmetic."""
        x, layer = self.input, self.layer
        return AffineConfig(
            low=x.low,
            high=x.high,
            mul=layer.scale,
            add=layer.offset,
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
        return (Process("affine", steps, self.core.latency + 2, self.depth, 1),)

    def cost(self) -> Cost:
        """Estimated cost: the arithmetic, input registers and the queue."""
        stages = registers(self.i.width + self.core.latency + 1) + luts(2)
        return self.core.cost + stages + credit_queue_cost(self.o.width, self.depth)

    def reference(self, beats: Beats) -> Beats:
        """Each element scaled and shifted."""
        x = beats.reshape(-1, self.input.channels)
        return (x * self.layer.scale + self.layer.offset).reshape(-1, self.lanes)
