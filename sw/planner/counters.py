"""About what the counters of engines take, without finding their compressor trees."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache

from subbit.hw.contract.cost import Cost
from subbit.hw.contract.unit import Counters, Unit
from subbit.hw.dot.dot import DotUnit
from subbit.hw.dot.popcount import PopcountShape
from subbit.hw.dot.shared_rows import SharedRowsUnit
from subbit.hw.families.table import family
from subbit.hw.lookup.block_lookup import BlockLookupUnit
from subbit.hw.lookup.dot9 import Dot9Row
from subbit.hw.lookup.entry_sum import EntrySumShape
from subbit.hw.lookup.lookup import LookupUnit
from subbit.hw.trees.counter import task_of
from subbit.hw.trees.search import is_known

__all__ = ["swaps"]

# How much more than a family says of its compressor trees a bit of a masked row takes, and LUT4s
# and flip-flops for each position of its padding, about; finding the trees themselves takes too
# long for every trial.
MASKED, PADDING = 1.65, 1.3
FEW = 20  # bits of a row up to which trees are found in no time
SUM_TREES = (1.1, 1.3)  # the same of an ECP5 for each bit of the entries that are added up
# Positions of counters whose trees are known for most widths.
KNOWN = (9, 16, 18, 27, 32, 36, 48, 64, 72, 96, 108, 128, 144, 192, 216, 256, 288, 576, 1152)


def swaps(unit: Unit, fabric: str) -> Iterator[tuple[Cost, Cost]]:
    """What the portable counters and adders of a unit cost, and the fabric's in their place."""
    if isinstance(unit, DotUnit | SharedRowsUnit):
        pixels = unit.pixels if isinstance(unit, DotUnit) else unit.dot.pixels
        yield unit.popcount.cost * pixels, trees(unit.popcount, fabric) * pixels
    elif isinstance(unit, LookupUnit):
        yield unit.popcount.cost * unit.dot9, trees(unit.popcount, fabric) * unit.dot9
    elif isinstance(unit, BlockLookupUnit) and fabric == "ecp5":
        if isinstance(unit.filler, Dot9Row):
            yield unit.filler.cost * unit.dot9, replace(unit.filler, form=fabric).cost * unit.dot9
        if unit.ports > 1:
            yield unit.adder.cost * unit.pixels, sum_trees(unit.adder) * unit.pixels


def sum_trees(adder: EntrySumShape) -> Cost:
    """About what a compressor tree takes for a sum of entries."""
    bits = adder.count * adder.bits
    return Cost(
        round(SUM_TREES[0] * bits + adder.width), round(SUM_TREES[1] * bits + 2 * adder.width)
    )


@cache
def trees(counters: Counters, fabric: str) -> Cost:
    """What compressor trees of the fabric take for these counters, where they are known or small;
    else about that, by known ones of nearly as many positions, or by what the family says.
    """
    bits = counters.simd * counters.bits * len(counters.scales)
    if isinstance(counters, PopcountShape):
        made = replace(counters, form=fabric)
        if bits <= FEW or has_trees(made):
            return family(fabric).cost(made.cost)
        near = [replace(made, simd=simd) for simd in KNOWN]
        near = [shape for shape in near if has_trees(shape)]
        if near:
            like = min(near, key=lambda shape: abs(shape.simd - made.simd))
            cost, share = family(fabric).cost(like.cost), made.simd / like.simd
            return Cost(round(share * cost.lut4), round(share * cost.flip_flops))
    lut4, flip_flops = family(fabric).carry.tree_cells
    if isinstance(counters, PopcountShape):
        flip_flops /= family(fabric).carry.speed(counters.mhz)[1]  # levels between registers
    row = bits * (MASKED if counters.masked else 1)
    padding = PADDING * counters.simd * counters.masked
    return Cost(
        round(counters.rows * lut4 * row + padding),
        round(counters.rows * flip_flops * row + padding),
    )


def has_trees(shape: PopcountShape) -> bool:
    """Whether nothing has to be searched for the counters."""
    return is_known(task_of(shape.row)) and not shape.masked
