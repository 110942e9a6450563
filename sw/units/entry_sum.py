"""Sums of table entries, in the compressor trees of a vendor's carry chains or in plain adders."""

from dataclasses import dataclass
from functools import lru_cache

from subbit.sw.compress.assemble import Begin, assemble, wire
from subbit.sw.compress.fabric import FABRICS
from subbit.sw.compress.netlist import Netlist, Unit
from subbit.sw.compress.plan import Heights, Task
from subbit.sw.compress.search import find_plan
from subbit.sw.units.cost import Cost
from subbit.sw.units.popcount import CLOCK_MHZ, PORTABLE, tree_cells, tree_cost, tree_stages

__all__ = ["EntrySum", "sum_netlist"]


@dataclass(frozen=True)
class EntrySum:
    """``count`` numbers of ``bits`` bits added up, and with ``running`` the sums of the words since
    the last one that came with ``first``; modulo ``2**width``. A word a cycle.

    ``form``: ``portable``, or the fabric for whose carry chains the tree is planned; everywhere
    else a portable form of the same latency takes its place.
    """

    count: int
    bits: int
    width: int
    running: bool
    form: str = PORTABLE

    @property
    def latency(self) -> int:
        """Cycles from numbers to the sum."""
        plain = tree_stages(self.count) + self.running
        return max(1, plain if self.form == PORTABLE else max(plain, self.netlist.latency))

    @property
    def netlist(self) -> Netlist:
        """The vendor's tree. Nets: the numbers; then ``first`` and the sum so far."""
        return sum_netlist(self)

    @property
    def cost(self) -> Cost:
        """Estimated cost after mapping."""
        if self.form != PORTABLE:
            late = Cost(flip_flops=self.width * (self.latency - self.netlist.latency))
            return tree_cells(self.netlist, 0) + late
        total = Cost(2 * -(-self.width // 2) + self.width, self.width) if self.running else Cost()
        return total + tree_cost([(1 << self.bits) - 1] * self.count)


@lru_cache(maxsize=64)
def sum_netlist(shape: EntrySum) -> Netlist:
    """The cells that add. Raises PlanError if there is no way to."""
    fabric = FABRICS[shape.form]
    limit, depth = fabric.speed(CLOCK_MHZ)
    heights = Heights.of([], [shape.count] * shape.bits, shape.width)
    task = Task(heights, limit, fabric.plain, shape.running)
    numbers = shape.count * shape.bits
    inputs = numbers + (1 + heights.width) * shape.running

    def begin() -> Begin:
        netlist = Netlist(inputs, 0, depth)
        singles: list[list[Unit]] = [[] for _ in range(heights.width)]
        for net in range(numbers):
            singles[net % shape.bits].append(wire(net))
        begun = Begin(netlist, [[] for _ in singles], singles)
        if shape.running:
            netlist.sums = tuple(range(numbers + 1, inputs))
            begun.late = [Unit((net, numbers), 0b0010) for net in netlist.sums]
        return begun

    return assemble(find_plan(task), begin, fabric.feasible)
