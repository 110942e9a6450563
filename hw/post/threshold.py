"""Comparing numbers with the thresholds of their channel."""

from dataclasses import dataclass
from functools import cached_property
from math import ceil
from typing import ClassVar

import numpy as np

from subbit.hw.contract.blocks import comparator_cost, luts, registers
from subbit.hw.contract.cost import Cost
from subbit.hw.contract.memory import credit_queue_cost
from subbit.hw.contract.unit import Beats, Lanes
from subbit.hw.streams.shapes import LanesUnit
from subbit.hw.tables.packing import pack_elements
from subbit.hw.tables.parts import TableParts
from subbit.hw.tables.rom import RomTable, period, rom_of, style_of
from subbit.sw.cycles.model import GIVE, TAKE, Process
from subbit.sw.errors import PlanError
from subbit.sw.ir.arrays import Bits, Ints
from subbit.sw.ir.layers.threshold import Threshold
from subbit.sw.ir.types import TensorType

__all__ = ["FORMS", "ThresholdConfig", "ThresholdUnit", "threshold_values"]

FORMS = ("auto", "search", "tree")
CONSTANT_CELLS = 2  # of an iCE40 that a comparison with a constant takes less, on average
KNOWN = 3  # bits of a number that a lookup table compares with a constant, beside the lower ones
LANE_LUTS = 300  # what a lane's own table may take in logic; in block RAM most of one stays empty


def threshold_values(layer: Threshold, x: Ints) -> Ints:
    """The layer's codes for integers ``(..., channels)``, by its definition."""
    count = (layer.thresholds <= x[..., None]).sum(axis=-1)
    codes: Ints = np.where(layer.rising == 1, count, layer.levels - count).astype(np.int64)
    return codes


@dataclass(frozen=True, eq=False, kw_only=True)
class ThresholdConfig:
    """``code = #{k : x >= thresholds[c, k]}``, or ``2**M - 1`` less that where ``rising[c]`` is 0:
    counts the thresholds that a number reaches, by a search or by comparing with all at once.

    A pipeline without streams for ``lanes`` numbers of the range ``low..high`` at a time, channels
    in order. ``thresholds``: ``(channels, 2**M - 1)``, ascending. ``copies``: sets of lanes side by
    side that share the thresholds. ``lead_cycles``: cycles by which the first table is read earlier
    than numbers need it, for registers between the table and the comparators of a large engine.

    ``form``: ``search`` finds the code bit by bit: step k compares with the middle of what is left,
    ``thresholds[c, (2n + 1) * 2**(M - k - 1) - 1]`` for the bits n found so far, so that M
    comparators and small tables do the work of ``2**M - 1`` comparators. ``tree`` has all of those,
    and takes fewer cycles. ``auto`` takes what costs less, a block RAM counting LANE_LUTS. With
    ``known`` what is compared with constants is compared in lookup tables, a third of the cells of
    a carry chain: thresholds are constants where the lanes are all channels.

    Latency: a search ``(table_cycles + 1) * M - 1`` cycles, a tree ``table_cycles``, and 1 more
    from M = 3 on; ``table_cycles`` is 1, or 2 with thresholds in block RAM. Interval: a group of
    lanes a cycle. Raises PlanError for another ``form``.
    """

    low: int
    high: int
    thresholds: Ints
    rising: Bits
    lanes: int
    copies: int = 1
    form: str = "auto"
    lead_cycles: int = 0
    known: bool = False

    @property
    def bits(self) -> int:
        """M, bits of a code."""
        return int(self.thresholds.shape[1]).bit_length()

    @cached_property
    def tree(self) -> bool:
        """Whether there is a comparator for every threshold."""
        if self.form not in FORMS:
            raise PlanError(f"thresholds must be one of {', '.join(FORMS)}, not {self.form!r}")
        if self.bits == 1 or self.form != "auto":
            return self.form == "tree"
        return prefers_tree(self)

    @cached_property
    def groups(self) -> int:
        """Sets of lanes after which the thresholds and polarities repeat: the channels or fewer."""
        channels = np.column_stack([self.thresholds, self.rising])
        return period(channels.reshape(len(channels) // self.lanes, -1).tolist())

    @property
    def latency(self) -> int:
        """Cycles from numbers to codes: tables and a comparison a bit, the first table ahead; or
        one comparison, and from three bits on a cycle to make a code of it.
        """
        if self.tree:
            return self.table_cycles + (self.bits > 2)
        return (self.table_cycles + 1) * self.bits - 1

    @cached_property
    def table_cycles(self) -> int:
        """Cycles to read a table: 1, or with any in block RAM and a register behind it 2."""
        return self.tree_cycles if self.tree else self.search_cycles

    @property
    def tree_cycles(self) -> int:
        """Cycles to read the table of the tree."""
        size = self.groups, self.width * self.lanes * self.thresholds.shape[1]
        return 1 + (style_of(*size) == "block")

    @cached_property
    def search_cycles(self) -> int:
        """Cycles to read a table of the search."""
        later = [(self.groups << step, self.width) for step in range(1, self.bits)]
        styles = [style_of(*size, limit=LANE_LUTS) for size in later]
        return 1 + ("block" in [style_of(self.groups, self.width * self.lanes), *styles])

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
        cost = tree_cost(self) if self.tree else search_cost(self)
        return cost + registers(self.lead_cycles * self.first_rom.width)

    @property
    def first_rom(self) -> RomTable:
        """The thresholds that numbers are compared with first."""
        return self.tree_rom if self.tree else self.rom(0, range(self.lanes))

    @cached_property
    def constants(self) -> tuple[int, ...]:
        """The thresholds of ``first_rom``, in the order in its word, where numbers are compared
        with them in lookup tables; else none.
        """
        rom = self.first_rom
        if not self.known or rom.style != "const":
            return ()
        found = (rom.words[0] >> at for at in range(0, rom.width, self.width))
        top = self.signed << (self.width - 1)
        return tuple(((word & ((1 << self.width) - 1)) ^ top) - top for word in found)

    @property
    def first_comparator(self) -> Cost:
        """A comparison with a threshold of ``first_rom``."""
        if self.constants:
            return luts(ceil(self.width / KNOWN))
        return comparator_cost(self.width, 0)

    @property
    def tree_rom(self) -> RomTable:
        """All thresholds of each lane, the least one lowest, one word a group."""
        clipped = np.clip(self.thresholds, self.low, self.high + 1)
        rows = clipped.reshape(-1, self.lanes * clipped.shape[1])[: self.groups]
        words = [pack_elements(row, self.width) for row in rows]
        return rom_of(words, self.width * rows.shape[1])

    def rom(self, step: int, lanes: range) -> RomTable:
        """The thresholds of one step for some lanes, side by side with the first lane lowest.

        Word ``group * 2**step + n`` for the bits n found so far.
        """
        chunk = 1 << (self.bits - step)
        middles = np.clip(self.thresholds, self.low, self.high + 1)[:, chunk // 2 - 1 :: chunk]
        sets = middles[: self.groups * self.lanes].reshape(self.groups, self.lanes, 1 << step)
        rows = sets.transpose(0, 2, 1)[:, :, lanes.start : lanes.stop].reshape(-1, len(lanes))
        words = [pack_elements(row, self.width) for row in rows]
        width = self.width * len(lanes)
        return rom_of(words, width, limit=LANE_LUTS) if step else rom_of(words, width)

    @property
    def polarity_rom(self) -> RomTable:
        """A bit for each lane, set where the code is inverted; one word a group."""
        falling = (self.rising == 0).reshape(-1, self.lanes)[: self.groups]
        return rom_of([pack_elements(row, 1) for row in falling], self.lanes)


def prefers_tree(core: ThresholdConfig) -> bool:
    """Whether comparators for all thresholds take less than a search, with estimates as rough as
    when the first plans were made: what is finer would change their circuits.
    """
    count, levels = core.lanes * core.copies, int(core.thresholds.shape[1])
    comparator = 2 * ceil((core.width + 1) / 2)
    search = [core.rom(0, range(core.lanes))]
    search += [core.rom(step, range(1)) for step in range(1, core.bits)] * count
    more = LANE_LUTS * core.tree_rom.cost.block_rams + rough_luts(core.tree_rom)
    fewer = sum(LANE_LUTS * rom.cost.block_rams + rough_luts(rom) for rom in search)
    comparisons = comparator * (levels - core.bits) * count + levels * count
    return comparisons + more <= fewer


def rough_luts(rom: RomTable) -> int:
    """LUT4s of a table and a counter of its address, roughly."""
    if rom.style == "const":
        return 0
    return rom.rough_luts + 2 * (rom.depth - 1).bit_length() + 1


def polarity_cost(core: ThresholdConfig) -> Cost:
    """What inverts codes: a table, a register behind it, and a lookup table a bit of a code."""
    rom = core.polarity_rom
    if rom.style == "const":
        return Cost()
    return rom.words_cost + registers(rom.width) + luts(core.bits * core.lanes * core.copies)


def search_cost(core: ThresholdConfig) -> Cost:
    """Tables, a comparator a bit, and the registers of numbers and bits found on their way."""
    count, bits, cycles = core.lanes * core.copies, core.bits, core.search_cycles
    first = core.rom(0, range(core.lanes))
    total = first.cost + first.output_register_cost + polarity_cost(core)
    comparators = core.first_comparator + comparator_cost(core.width, 0) * (bits - 1)
    total += (comparators + Cost(flip_flops=bits)) * count
    total += luts(0, TableParts(first).registers)  # complements of what is compared with
    kept = (core.width * (bits - 1) + bits * (bits - 1) // 2) * (cycles + 1)
    kept += core.width * (cycles - 1) * bits
    total += registers(kept * count)
    total += registers((bits - 1) * (cycles + 1) * (core.groups - 1).bit_length())
    for step in range(1, bits):
        later = core.rom(step, range(1))
        total += (
            later.words_cost + later.output_register_cost + luts(0, TableParts(later).registers)
        ) * count
    return total


def tree_cost(core: ThresholdConfig) -> Cost:
    """A table, a comparator for each threshold, and what makes a code of their bits."""
    one = core.first_comparator
    count, levels, bits = core.lanes * core.copies, int(core.thresholds.shape[1]), core.bits
    total = core.tree_rom.cost + core.tree_rom.output_register_cost + polarity_cost(core)
    if core.tree_rom.style == "const" and not core.constants:
        # the lowest zeros of a constant need no carry
        one += luts(0, -CONSTANT_CELLS)
    total += (one + Cost(flip_flops=1)) * (levels * count)
    total += luts(0, TableParts(core.tree_rom).registers)  # complements of what is compared with
    choices = (1 << bits) - bits - 1  # of the bits below the highest one, half by half
    total += (luts(choices) + Cost(flip_flops=bits * (bits > 2))) * count
    return total + registers(core.width * (core.tree_cycles - 1) * count)


@dataclass(frozen=True, eq=False, kw_only=True)
class ThresholdUnit(LanesUnit):
    """A threshold activation ``layer`` between two streams: ``lanes`` integers in, as many M-bit
    codes out, each the number of its channel's thresholds that the integer reaches.

    ``input``: the type of the input tensor. ``lanes``: some channels of a pixel, whole pixels of a
    row, which share the thresholds, or whole rows. ``form``: ``search`` (a comparator a bit),
    ``tree`` (one for each threshold) or ``auto``. Latency: ``2M + 1`` cycles for a search, 3 for a
    tree, 4 from M = 3 on; with thresholds in block RAM M or 1 more. Interval: ``elements / lanes``
    cycles, a beat a cycle.

    Raises PlanError where a beat of the input may not hold ``lanes`` elements, and for another
    ``form``, and NetworkError where the layer does not fit the tensor.
    """

    component: ClassVar[str] = "subbit.hw.post.threshold_rtl:Threshold"
    layer: Threshold
    input: TensorType
    lanes: int
    form: str = "auto"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.layer.infer((self.input,))

    @property
    def o(self) -> Lanes:
        """M-bit codes."""
        return Lanes(self.lanes, self.layer.bits)

    @cached_property
    def core(self) -> ThresholdConfig:
        """The comparisons."""
        x, layer = self.input, self.layer
        return ThresholdConfig(
            low=x.low,
            high=x.high,
            thresholds=layer.thresholds,
            rising=layer.rising,
            lanes=self.lanes // self.beat_pixels,
            copies=self.beat_pixels,
            form=self.form,
        )

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
        stages = registers(self.i.width + self.core.latency + 1) + luts(2)
        return self.core.cost + stages + credit_queue_cost(self.o.width, self.depth)

    def reference(self, beats: Beats) -> Beats:
        """Each element compared with its channel's thresholds."""
        return threshold_values(self.layer, beats.reshape(-1, self.input.channels)).reshape(
            -1, self.lanes
        )
