"""What a direct engine takes."""

from typing import Protocol

from subbit.hw.contract.cost import Cost
from subbit.hw.contract.unit import Lanes
from subbit.hw.dot.planes import PlaneGroups, WeightSource
from subbit.hw.dot.popcount import PopcountShape
from subbit.hw.dot.source import WordSource
from subbit.hw.post.raw import PostConfig
from subbit.hw.post.threshold import queue_cost
from subbit.hw.tables.rom import RomTable
from subbit.hw.window.border import PaddingSumsConfig

__all__ = ["DotShape", "dot_cost"]


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
    def groups(self) -> PlaneGroups: ...


def dot_cost(dot: DotShape) -> Cost:
    """Estimated cost of the engine after mapping; affine ends take multipliers beside it."""
    rows, bits = dot.source.rows * dot.pixels, dot.raw_max.bit_length()
    total = dot.source.cost + dot.core.cost
    total += sum([dot.popcount.cost] * dot.pixels, Cost())
    total += queue_cost(dot.o, dot.depth)
    lanes = dot.i.lanes * (dot.x_bits + dot.masked)
    total += Cost(20, lanes * (dot.weight_stages - dot.i_payload_delay) + 2 * dot.stages)
    weights = dot.source.rows * dot.source.planes * dot.simd
    if isinstance(dot.source, WordSource):
        weights = dot.source.registers
    again = (-(-dot.source.rows // dot.rows_per_input_copy) - 1) * lanes
    total += Cost(flip_flops=dot.distance_stages * (weights + dot.o.width) + again)
    if dot.masked:
        wide = dot.word_max.bit_length()
        total += Cost(2 * -(-wide // 2) * rows, wide * rows)
    if dot.bit_steps > 1:
        wide = dot.beat_max.bit_length()
        total += Cost(dot.i.lanes * dot.x_bits * (dot.bit_steps - 1))
        total += Cost(2 * -(-wide // 2) * rows + 8, 2 * wide * rows + 8)
    if dot.crossing:
        total += dot.scale_rom.cost + Cost(flip_flops=(bits - 1) * rows)
    if dot.padding_sums:
        wide = dot.final_max.bit_length()
        total += dot.padding_sums.cost + Cost(2 * -(-wide // 2) * rows, wide * rows)
    if dot.beats > 1:
        shifted = len(set(dot.groups.shifts) - {0}) * bits
        total += Cost((2 * -(-bits // 2) + shifted) * rows, 2 * bits * rows)
    return total
