"""Comparing numbers with the thresholds of their channel."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from subbit.sw.cycles.model import GIVE, TAKE, Process
from subbit.sw.errors import PlanError
from subbit.sw.ir.arrays import Bits, Ints
from subbit.sw.ir.layers.threshold import Threshold as ThresholdLayer
from subbit.sw.ir.types import TensorType
from subbit.sw.units.cost import Cost
from subbit.sw.units.rom import Rom, packed, period, rom_of, style_of
from subbit.sw.units.unit import Beats, Lanes, Unit

__all__ = ["Threshold", "ThresholdCore", "threshold_values"]


def threshold_values(layer: ThresholdLayer, x: Ints) -> Ints:
    """The layer's codes for integers ``(..., channels)``, by its definition."""
    count = (layer.thresholds <= x[..., None]).sum(axis=-1)
    codes: Ints = np.where(layer.rising == 1, count, layer.levels - count).astype(np.int64)
    return codes


@dataclass(frozen=True, eq=False)
class ThresholdCore:
    """M binary-search steps a number: bit by bit the count of thresholds that it reaches.

    A pipeline without streams for ``lanes`` numbers of the range ``low..high`` at a time, channels
    in order. ``thresholds``: ``(channels, 2**M - 1)``, ascending, in the domain of the numbers;
    where not ``rising`` the code is inverted. Step k compares with the middle of what is left,
    ``threshold[(2n + 1) * 2**(M - k - 1) - 1]`` for the bits n found so far, so that M comparators
    do the work of 2**M - 1. ``copies``: sets of lanes side by side that share the thresholds.
    """

    low: int
    high: int
    thresholds: Ints
    rising: Bits
    lanes: int
    copies: int = 1

    @property
    def bits(self) -> int:
        """M, bits of a code."""
        return int(self.thresholds.shape[1]).bit_length()

    @cached_property
    def groups(self) -> int:
        """Sets of lanes after which the thresholds and polarities repeat: the channels or fewer."""
        channels = np.column_stack([self.thresholds, self.rising])
        return period(channels.reshape(len(channels) // self.lanes, -1).tolist())

    @property
    def latency(self) -> int:
        """Cycles from numbers to codes: tables and a comparison a bit, the first table ahead."""
        return (self.table_cycles + 1) * self.bits - 1

    @cached_property
    def table_cycles(self) -> int:
        """Cycles to read a table: 1, or with any in block RAM and a register behind it 2."""
        sizes = [(self.groups, self.width * self.lanes)]
        sizes += [(self.groups << step, self.width) for step in range(1, self.bits)]
        return 1 + any(style_of(*size) == "block" for size in sizes)

    @property
    def signed(self) -> bool:
        """Whether numbers are two's complement."""
        return self.low < 0

    @property
    def width(self) -> int:
        """Bits of a threshold: it is within ``low..high + 1``."""
        return (
            (self.high + 1).bit_length()
            if not self.signed
            else 1 + max((self.high + 1).bit_length(), (~self.low).bit_length())
        )

    @property
    def cost(self) -> Cost:
        """Estimated cost after mapping: tables, comparators, and the numbers' delay registers."""
        wide = 2 * -(-(self.width + 1) // 2)
        count = self.lanes * self.copies
        cores = Cost(wide * self.bits * count, (self.width + self.bits) * count)
        cycles = (self.table_cycles + 1) * (self.bits - 1)
        delay = Cost(flip_flops=cycles * (self.width + self.bits) * count)
        tables = [self.rom(0, range(self.lanes)), self.polarity_rom]
        later = [self.rom(step, range(1)) for step in range(1, self.bits)] * count
        return sum((table.cost for table in tables + later), cores + delay)

    def rom(self, step: int, lanes: range) -> Rom:
        """The thresholds of one step for some lanes, side by side with the first lane lowest.

        Word ``group * 2**step + n`` for the bits n found so far.
        """
        chunk = 1 << (self.bits - step)
        middles = np.clip(self.thresholds, self.low, self.high + 1)[:, chunk // 2 - 1 :: chunk]
        sets = middles[: self.groups * self.lanes].reshape(self.groups, self.lanes, 1 << step)
        rows = sets.transpose(0, 2, 1)[:, :, lanes.start : lanes.stop].reshape(-1, len(lanes))
        words = [packed(row, self.width) for row in rows]
        return rom_of(words, self.width * len(lanes))

    @property
    def polarity_rom(self) -> Rom:
        """A bit for each lane, set where the code is inverted; one word a group."""
        falling = (self.rising == 0).reshape(-1, self.lanes)[: self.groups]
        return rom_of([packed(row, 1) for row in falling], self.lanes)


@dataclass(frozen=True, eq=False)
class Threshold(Unit):
    """A threshold activation between two streams: ``lanes`` integers in, as many M-bit codes out.

    ``input``: the type of the input tensor, whose channels ``lanes`` must divide. Latency: ``2M +
    1`` cycles, ``3M + 1`` with thresholds in block RAM. Interval: a beat a cycle. Raises PlanError
    where lanes do not divide the channels.
    """

    component: ClassVar[str] = "subbit.hw.threshold:Threshold"
    layer: ThresholdLayer
    input: TensorType
    lanes: int

    def __post_init__(self) -> None:
        check_lanes(self.lanes, self.input.channels)
        self.layer.infer((self.input,))

    @property
    def i(self) -> Lanes:
        """Integers of ``input``."""
        return Lanes.of(self.input, self.lanes)

    @property
    def o(self) -> Lanes:
        """M-bit codes."""
        return Lanes(self.lanes, self.layer.bits)

    @cached_property
    def core(self) -> ThresholdCore:
        """The comparisons."""
        x, layer = self.input, self.layer
        return ThresholdCore(x.low, x.high, layer.thresholds, layer.rising, self.lanes)

    @property
    def depth(self) -> int:
        """Beats that the output queue holds."""
        return self.core.latency + 3

    def processes(self) -> tuple[Process, ...]:
        """Takes and gives a beat a cycle."""
        beats = self.input.elements // self.lanes
        steps = np.full(beats, TAKE | GIVE, np.uint8)
        return (Process("threshold", steps, self.core.latency + 2, self.depth, 1),)

    def cost(self) -> Cost:
        """Estimated cost: the comparisons, input registers and the queue."""
        return self.core.cost + Cost(flip_flops=self.i.width) + queue_cost(self.o, self.depth)

    def reference(self, beats: Beats) -> Beats:
        """Each element compared with its channel's thresholds."""
        return threshold_values(self.layer, beats.reshape(-1, self.input.channels)).reshape(
            -1, self.lanes
        )


def check_lanes(lanes: int, channels: int) -> None:
    """Raise PlanError unless ``lanes`` divides ``channels``."""
    if lanes < 1 or channels % lanes:
        raise PlanError(f"lanes must divide the {channels} channels, and {lanes} does not")


def queue_cost(lanes: Lanes, depth: int) -> Cost:
    """Estimated cost of a pipeline's credits and output queue."""
    bits = depth.bit_length()
    if depth == 1:
        return Cost(lut4=8, flip_flops=lanes.width + 2)
    store = 4 * -(-lanes.width // 4) * -(-depth // 16)
    return Cost(lut4=store + 8 * bits, flip_flops=4 * bits)
