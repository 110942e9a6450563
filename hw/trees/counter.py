"""Compressor netlists for the XNOR-popcounts of engines."""

from dataclasses import dataclass, field
from functools import lru_cache

from subbit.hw.families.netlist import BitFunction, Netlist
from subbit.hw.families.table import family
from subbit.hw.trees.assemble import Begin, assemble
from subbit.hw.trees.leaves import MATCH, XNOR, Leaves
from subbit.hw.trees.search import find_plan
from subbit.hw.trees.tree_plan import Heights, Task

__all__ = ["Popcount", "ones_netlist", "popcount_netlist", "task_of"]


@dataclass(frozen=True, kw_only=True)
class Popcount:
    """``sum over l, b, k of scales[k] * 2**b * (xnor(x[l, b], w[k, l]) & mask[l])`` of one row, as
    a compressor tree counts it.

    ``scales``: for each bit plane k of the weights the power of two that it counts. Nets: for each
    position l its ``bits`` bits of ``x``, then its mask bit if ``masked``; then ``w``, plane by
    plane (``k * simd + l``), unless the weights are constant (``weights``, in the same order). With
    ``total``, a width, the result is a running sum of the counts since that which came with net
    ``first`` at 1, modulo 2**total; the bits of the sum are the last nets. ``fabric``: the family
    whose carry chains; ``limit``: their places; ``depth``: levels between registers. ``period``: if
    positions l and l + period always have the same mask bit, as channels of one place of a window
    have; only the first ``period`` of them are looked at.
    """

    simd: int
    bits: int = 1
    masked: bool = False
    weights: tuple[int, ...] | None = None
    total: int = 0
    fabric: str = field(kw_only=True)
    limit: int = 32
    depth: int = 1
    scales: tuple[int, ...] = (1,)
    period: int = 0

    def __post_init__(self) -> None:
        if not self.scales or any(scale.bit_count() != 1 for scale in self.scales):
            raise ValueError(f"scales are powers of two, not {self.scales!r}")
        if self.weights is not None and len(self.weights) != self.simd * len(self.scales):
            raise ValueError(f"{self.simd * len(self.scales)} weights, not {len(self.weights)}")

    @property
    def lane(self) -> int:
        """Nets of a position."""
        return self.bits + self.masked

    @property
    def first(self) -> int:
        """The net that starts a new sum."""
        return self.simd * (self.lane + (self.weights is None) * len(self.scales))

    @property
    def inputs(self) -> int:
        """Nets that come from outside, running sum included."""
        return self.first + (1 + self.total if self.total else 0)

    @property
    def width(self) -> int:
        """Bits of the result."""
        return self.total or (self.simd * ((1 << self.bits) - 1) * sum(self.scales)).bit_length()

    @property
    def matches(self) -> list[list[BitFunction]]:
        """The bits to count, by weight."""
        found: list[list[BitFunction]] = [
            [] for _ in range(self.bits + max(self.scales).bit_length() - 1)
        ]
        for plane, scale in enumerate(self.scales):
            for bit in range(self.bits):
                units = [self.match(position, bit, plane) for position in range(self.simd)]
                found[bit + scale.bit_length() - 1] += units
        return found

    @property
    def where(self) -> dict[int, float]:
        """Of each input net the place of its position in the word, from 0 to 1."""
        lanes = {net: net // self.lane for net in range(self.simd * self.lane)}
        weights = {net: (net - len(lanes)) % self.simd for net in range(len(lanes), self.first)}
        return {net: place / self.simd for net, place in (lanes | weights).items()}

    def match(self, position: int, bit: int, plane: int = 0) -> BitFunction:
        """Whether a bit of a position matches a bit of its weight, and is not masked out."""
        x = position * self.lane + bit
        mask = (position % (self.period or self.simd)) * self.lane + self.bits
        weight = plane * self.simd + position
        if self.weights is None:
            w = self.simd * self.lane + weight
            return BitFunction((x, w, mask), MATCH) if self.masked else BitFunction((x, w), XNOR)
        ones = self.weights[weight]
        if self.masked:
            return BitFunction((x, mask), 0b1000 if ones else 0b0100)
        return BitFunction((x,), 0b10 if ones else 0b01)


@lru_cache(maxsize=256)
def popcount_netlist(popcount: Popcount) -> Netlist:
    """The cells that count. Raises PlanError where no plan is found."""
    task, leaves = task_of(popcount), leaves_of(popcount)

    def begin() -> Begin:
        netlist = Netlist(popcount.inputs, 0, popcount.depth)
        begun = leaves.begin(netlist, task.heights.width, popcount.limit, popcount.where)
        if popcount.total:
            netlist.sums = tuple(range(popcount.first + 1, popcount.inputs))
            begun.last_level = [BitFunction((net, popcount.first), 0b0010) for net in netlist.sums]
        return begun

    return assemble(find_plan(task), begin, family(popcount.fabric).carry.feasible)


@lru_cache(maxsize=64)
def ones_netlist(ones: int, value: int, fabric: str, limit: int, depth: int) -> Netlist:
    """Counts those of ``ones`` nets that are ``value``."""
    shape = Popcount(
        simd=ones,
        bits=1,
        masked=False,
        weights=(value,) * ones,
        total=0,
        fabric=fabric,
        limit=limit,
        depth=depth,
    )
    return popcount_netlist(shape)


def task_of(popcount: Popcount) -> Task:
    """What there is to plan for a count."""
    pairs, singles = leaves_of(popcount).heights
    heights = Heights.of(pairs, singles, popcount.width)
    return Task(heights, popcount.limit, family(popcount.fabric).carry.plain, bool(popcount.total))


def leaves_of(popcount: Popcount) -> Leaves:
    """What is done before the first level of a plan."""
    return Leaves.of(popcount.matches, family(popcount.fabric).carry.plain)
