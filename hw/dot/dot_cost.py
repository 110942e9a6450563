"""What a direct engine takes."""

from dataclasses import replace
from typing import Protocol

from subbit.hw.contract.blocks import adder_cost, choice_cost, counter_cost, luts, registers
from subbit.hw.contract.cost import Cost
from subbit.hw.contract.memory import credit_queue_cost
from subbit.hw.contract.unit import Lanes
from subbit.hw.dot.planes import PlaneGroups, WeightSource
from subbit.hw.dot.popcount import PopcountShape
from subbit.hw.dot.source import WordSource
from subbit.hw.post.raw import PostConfig
from subbit.hw.tables.rom import RomTable
from subbit.hw.window.border import PaddingSumsConfig
from subbit.sw.ir.arrays import Ints

__all__ = ["DotShape", "dot_cost", "rows_cost"]


class DotShape(Protocol):
    """What the cost of a direct engine depends on, each as in DotUnit."""

    @property
    def source(self) -> WeightSource: ...
    @property
    def simd(self) -> int: ...
    @property
    def pixels(self) -> int: ...
    @property
    def raw_max(self) -> int: ...
    @property
    def core(self) -> PostConfig: ...
    @property
    def popcount(self) -> PopcountShape: ...
    @property
    def o(self) -> Lanes: ...
    @property
    def depth(self) -> int: ...
    @property
    def i(self) -> Lanes: ...
    @property
    def x_bits(self) -> int: ...
    @property
    def masked(self) -> bool: ...
    @property
    def weight_stages(self) -> int: ...
    @property
    def i_payload_delay(self) -> int: ...
    @property
    def stages(self) -> int: ...
    @property
    def rows_per_input_copy(self) -> int: ...
    @property
    def distance_stages(self) -> int: ...
    @property
    def word_max(self) -> int: ...
    @property
    def bit_steps(self) -> int: ...
    @property
    def beat_max(self) -> int: ...
    @property
    def crossing(self) -> bool: ...
    @property
    def scale_rom(self) -> RomTable: ...
    @property
    def padding_sums(self) -> PaddingSumsConfig | None: ...
    @property
    def final_max(self) -> int: ...
    @property
    def beats(self) -> int: ...
    @property
    def words(self) -> int: ...
    @property
    def groups(self) -> PlaneGroups: ...
    @property
    def scales(self) -> Ints: ...
    @property
    def count_stages(self) -> int: ...
    @property
    def word_stages(self) -> int: ...


def dot_cost(dot: DotShape) -> Cost:
    """Estimated cost of the engine after mapping; with the multipliers of affine ends."""
    return rows_cost(dot) + credit_queue_cost(dot.o.width, dot.depth)


def rows_cost(dot: DotShape) -> Cost:
    """The same without the queue behind it."""
    total = dot.source.cost + dot.core.cost + dot.popcount.cost * dot.pixels
    total -= registers(dot.popcount.weight_registers * (dot.pixels - 1))
    total += input_cost(dot) + handshake_cost(dot)
    rows = dot.source.rows * dot.pixels
    if dot.masked:
        total += added(dot.word_max.bit_length()) * rows + luts(12)
    if dot.bit_steps > 1:
        total += accumulator_cost(dot.beat_max.bit_length(), 0) * rows
    if dot.crossing:
        word = dot.beat_max * int(dot.scales.max())
        table = dot.scale_rom  # scales stay the same for many words
        total += replace(table.cost, lut4=table.cost.lut4 // 2) + table.output_register_cost
        total += Cost(flip_flops=word.bit_length() * rows, few_multipliers=rows)
    if dot.padding_sums:
        total += dot.padding_sums.cost + added(dot.final_max.bit_length()) * rows
    if dot.beats > 1:
        shifts = len(set(dot.groups.shifts) - {0})
        total += accumulator_cost(dot.raw_max.bit_length(), shifts) * rows
    return total


def input_cost(dot: DotShape) -> Cost:
    """Registers of inputs that wait for their weights; in a large engine of weights and outputs."""
    lanes = dot.i.lanes * (dot.x_bits + dot.masked)
    waiting = max(0, dot.weight_stages - dot.i_payload_delay - dot.distance_stages)
    total = registers(lanes * waiting)
    if dot.bit_steps > 1:
        total += choice_cost(dot.bit_steps, dot.i.lanes * dot.x_bits)
        total += Cost(more_lut4=-lanes if waiting else 0)  # of the registers behind the choice
    if dot.distance_stages:
        weights = dot.source.rows * dot.source.planes * dot.simd
        if isinstance(dot.source, WordSource):
            weights = dot.source.registers
        copies = -(-dot.source.rows // dot.rows_per_input_copy)
        total += registers(weights + dot.o.width + copies * lanes)
    return total


def handshake_cost(dot: DotShape) -> Cost:
    """Counters of the place in a pass and of turns, and what tells the stages what they hold."""
    total = luts(6) + registers(dot.stages)
    if dot.bit_steps > 1:
        total += counter_cost(dot.bit_steps) + registers(dot.count_stages + 1) + luts(4)
    if dot.beats > 1:
        shifts = len(set(dot.groups.shifts) - {0})
        ends = [(g + 1) * dot.words - 1 for g in range(shifts)]
        tables = [[beat == end for beat in range(dot.beats)] for end in ends]
        total += counter_cost(dot.beats, tables) + registers((1 + shifts) * dot.word_stages)
    return total


def added(bits: int) -> Cost:
    """A sum behind a register."""
    return adder_cost(bits) + Cost(flip_flops=bits)


def accumulator_cost(bits: int, shifts: int) -> Cost:
    """An adder whose sum goes to two registers, and with ``shifts`` shifted to one of them."""
    return (
        adder_cost(bits)
        + luts(shifts * bits)
        + registers(bits * (1 if shifts else 2))
        + Cost(flip_flops=bits if shifts else 0)
    )
