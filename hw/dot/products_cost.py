"""What an engine of multipliers takes."""

from typing import Protocol

from subbit.hw.contract.blocks import adder_cost, counter_cost, luts, registers
from subbit.hw.contract.cost import Cost
from subbit.hw.contract.memory import credit_queue_cost
from subbit.hw.contract.unit import Lanes
from subbit.hw.dot.source import WordSource
from subbit.hw.post.raw import PostConfig
from subbit.sw.ir.types import Encoding

__all__ = ["ProductsShape", "products_cost"]


class ProductsShape(Protocol):
    """What the cost of an engine of multipliers depends on, each as in ProductsUnit."""

    @property
    def source(self) -> WordSource: ...
    @property
    def encoding(self) -> Encoding: ...
    @property
    def masked(self) -> bool: ...
    @property
    def pe(self) -> int: ...
    @property
    def pixels(self) -> int: ...
    @property
    def packed(self) -> int: ...
    @property
    def field_bits(self) -> int: ...
    @property
    def i(self) -> Lanes: ...
    @property
    def i_payload_delay(self) -> int: ...
    @property
    def o(self) -> Lanes: ...
    @property
    def multipliers(self) -> int: ...
    @property
    def tree(self) -> tuple[tuple[int, ...], ...]: ...
    def sum_bits(self, count: int) -> int: ...
    @property
    def words(self) -> int: ...
    @property
    def word_stages(self) -> int: ...
    @property
    def stages(self) -> int: ...
    @property
    def depth(self) -> int: ...
    @property
    def raw_bits(self) -> int: ...
    @property
    def core(self) -> PostConfig: ...


def products_cost(unit: ProductsShape) -> Cost:
    """Estimated cost of the engine after mapping."""
    total = unit.source.cost + unit.core.cost + credit_queue_cost(unit.o.width, unit.depth)
    total += Cost(multipliers=unit.multipliers) + operand_cost(unit)
    total += tree_cost(unit) * (unit.pixels * unit.pe // unit.packed)
    if unit.words > 1:
        bits = unit.raw_bits
        sums = adder_cost(bits) + registers(bits) * 2
        total += sums * (unit.pixels * unit.pe)
        total += counter_cost(unit.words) + registers(unit.word_stages)
    return total + luts(6) + registers(unit.stages)


def operand_cost(unit: ProductsShape) -> Cost:
    """Registers of inputs that wait for their weights, and the sign of a code's value."""
    waiting = unit.source.latency - unit.i_payload_delay
    signs = luts(unit.i.lanes if unit.encoding is Encoding.BIPOLAR else 0)
    return registers(unit.i.width * waiting) + signs


def tree_cost(unit: ProductsShape) -> Cost:
    """Sums of the products of a beat, and the sums of each output taken out of one of several."""
    total = Cost()
    for level, before in zip(unit.tree[1:], unit.tree, strict=False):
        for at, count in enumerate(level):
            bits = unit.sum_bits(count)
            alone = 2 * at + 1 == len(before)
            total += registers(bits) if alone else adder_cost(bits) + Cost(flip_flops=bits)
    if unit.packed > 1:
        bits = unit.field_bits
        total += registers(bits)
        total += (adder_cost(bits) + Cost(flip_flops=bits)) * (unit.packed - 1)
    return total
