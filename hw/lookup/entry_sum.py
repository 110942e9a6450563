"""Sums of table entries, in the compressor trees of a vendor's carry chains or in plain adders."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from subbit.hw.contract.blocks import adder_cost, luts, registers
from subbit.hw.contract.cost import Cost
from subbit.hw.dot.popcount import CLOCK_MHZ, PORTABLE, tree_cells, tree_cost, tree_stages
from subbit.hw.families.netlist import BitFunction, Netlist
from subbit.hw.families.table import family
from subbit.hw.lookup.entry_plans import PLANS
from subbit.hw.trees.assemble import Begin, assemble, wire
from subbit.hw.trees.search import (
    anneal,
    distance,
    find_plan,
    price,
    read_plan,
    scaled,
)
from subbit.hw.trees.tree_plan import Heights, Task, TreePlan, tally

__all__ = ["EntrySumShape", "sum_netlist"]

STEPS, WARM = 3000, 0.8  # of a search that begins with a known plan


@dataclass(frozen=True, kw_only=True)
class EntrySumShape:
    """``count`` numbers of ``bits`` bits added up, modulo ``2**width``, and with ``running`` the
    sums of the words since the last one that came with ``first``.

    ``form``: ``portable``, or the fabric for whose carry chains the tree is planned; a circuit for
    anything else has a portable form of the same latency. Latency: ``latency`` cycles. Interval: a
    word a cycle. Raises PlanError where no compressor tree is found.
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
            delays = registers(self.width * (self.latency - self.netlist.latency))
            return tree_cells(self.netlist, 0) + delays
        total = tree_cost([(1 << self.bits) - 1] * self.count)
        if self.running:
            total += adder_cost(self.width) + luts(self.width) + Cost(flip_flops=self.width)
            total += registers(self.latency - 1)
        return total


@lru_cache(maxsize=64)
def sum_netlist(shape: EntrySumShape) -> Netlist:
    """The cells that add. Raises PlanError if there is no way to."""
    carry = family(shape.form).carry
    limit, depth = carry.speed(CLOCK_MHZ)
    singles = [shape.count] * shape.bits
    tasks = [
        Task(Heights.of([], singles, shape.width + more), limit, carry.plain, shape.running)
        for more in range(2)
    ]
    known = {plan.task: plan for plan in known_entry_plans()}
    task = next((task for task in tasks if task in known), tasks[0])  # a bit too many is left out
    plan = known.get(task) or entry_plan(task)
    heights = task.heights
    numbers = shape.count * shape.bits
    inputs = numbers + (1 + heights.width) * shape.running

    def begin() -> Begin:
        netlist = Netlist(inputs, 0, depth)
        nets: list[list[BitFunction]] = [[] for _ in range(heights.width)]
        for net in range(numbers):
            nets[net % shape.bits].append(wire(net))
        begun = Begin(netlist, [[] for _ in nets], nets)
        if shape.running:
            netlist.sums = tuple(range(numbers + 1, inputs))
            begun.last_level = [BitFunction((net, numbers), 0b0010) for net in netlist.sums]
        return begun

    return assemble(plan, begin, carry.feasible)


def entry_plan(task: Task) -> TreePlan:
    """The cheapest plan of those that searches from the nearest known plan, and from nothing,
    find.
    """
    known = [plan for plan in known_entry_plans() if distance(plan, task) < math.inf]
    near = sorted(known, key=lambda plan: distance(plan, task))[:1]
    found = [anneal(scaled(plan, task), STEPS, 0, WARM) for plan in near]
    return min([find_plan(task), *counting(found)], key=price)


def counting(plans: Iterable[TreePlan]) -> list[TreePlan]:
    """The plans that leave no bit uncounted."""
    return [plan for plan in plans if not tally(plan).left]


@lru_cache(maxsize=1)
def known_entry_plans() -> tuple[TreePlan, ...]:
    """Plans that long searches found."""
    return tuple(map(read_plan, PLANS.strip().split("\n\n")))
