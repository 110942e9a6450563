"""The unrolled engine, folded: some bits of every input at a time."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from subbit.hw.contract.blocks import luts, registers
from subbit.hw.contract.cost import Cost
from subbit.hw.contract.unit import Lanes
from subbit.hw.unrolled.accumulate import Accumulators, accumulators_of
from subbit.hw.unrolled.network import AdderNetwork, finished, network_of
from subbit.hw.unrolled.rough import distinct_rows, rough_cost
from subbit.hw.unrolled.unrolled import UnrolledUnit
from subbit.sw.cycles.model import GIVE, TAKE, Process
from subbit.sw.errors import PlanError
from subbit.sw.ir.planes import branches_of

__all__ = ["FoldedUnit"]


@dataclass(frozen=True, eq=False, kw_only=True)
class FoldedUnit(UnrolledUnit):
    """``dot[v, o] = sum over l of w[o, l] * x[v, l]`` for input vectors x (output pixels) and the
    rows of ``weights``, and ``post`` on each output, over ``fold`` cycles a beat: in each,
    ``bits / fold`` bits of every input, the lowest first, go through the same adders, and each sum
    is added to what is kept of those before.

    Beats are those of an UnrolledUnit: ``pixels`` vectors side by side, ``vectors`` beats a frame,
    of codes of an ``encoding``, or of integers within ``span``; with ``border`` the codes of
    positions beyond the edge are 0, and stand for 0. ``form``: of the adders, ``portable`` or a
    fabric.

    All weights are the same in each cycle, so that what several rows share stays shared, and the
    adders are those of inputs of fewer bits. Latency: ``stages + 1`` cycles. Interval:
    ``fold * vectors`` cycles. Raises PlanError where ``fold`` is 1 or does not divide ``bits``.
    """

    component: ClassVar[str] = "subbit.hw.unrolled.folded_rtl:Folded"
    fold: int = 2

    def __post_init__(self) -> None:
        if self.fold < 2 or self.bits % self.fold:
            raise PlanError(
                f"fold={self.fold} must be 2 or more and divide the {self.bits} bits of an input"
            )
        super().__post_init__()

    @property
    def turn_bits(self) -> int:
        """Bits of each input in a cycle."""
        return self.bits // self.fold

    @property
    def x_lanes(self) -> Lanes:
        """Some bits of each input."""
        return Lanes(self.i.lanes, self.turn_bits)

    @cached_property
    def network(self) -> AdderNetwork:
        """The adders of a turn."""
        return network_of(self.matrix, self.turn_bits, self.form)

    @cached_property
    def accumulators(self) -> Accumulators:
        """What adds up the sums of the turns."""
        return accumulators_of(self.network, self.turn_bits, self.fold)

    @cached_property
    def results(self) -> AdderNetwork:
        """The comparisons of the totals; without any the totals as they are."""
        return finished(self.accumulators.sums, self.network.form, self.levels)

    @property
    def ready(self) -> int:
        """The network, the last turn and its addition, and the comparisons."""
        return self.network.latency + self.fold + self.results.latency

    @property
    def depth(self) -> int:
        """Beats that the output queue holds: enough for a beat every ``fold`` cycles."""
        return -(-(self.stages + 2) // self.fold)

    def pipeline(self, stages: int) -> tuple[Process, ...]:
        """Takes and gives a beat every ``fold`` cycles."""
        steps = np.zeros((self.vectors, self.fold), np.uint8)
        steps[:, 0] = TAKE | GIVE
        depth = -(-(stages + 2) // self.fold)
        return (Process("folded", steps.reshape(-1), stages + 1, depth, 1),)

    @property
    def interval_cycles(self) -> int:
        """A beat every ``fold`` cycles."""
        return self.vectors * self.fold

    @property
    def adders(self) -> int:
        """Adders of a turn, and one for each sum."""
        return self.network.adders + len(self.accumulators.kept)

    @property
    def adders_cost(self) -> Cost:
        """The adders of a turn, the sums, and the comparisons."""
        return self.network.cost + self.accumulators.cost + self.results.cost

    @property
    def feed_cost(self) -> Cost:
        """Registers of the inputs, which move on by the bits of a turn, and what takes a beat."""
        moving = self.i.width - self.x_lanes.width
        return registers(self.x_lanes.width) + luts(moving + 3) + Cost(flip_flops=moving + 1)

    def rough_adders(self, levels: int) -> Cost:
        """About what the adders of a turn, the sums and the comparisons take."""
        planes, top = len(branches_of(self.weights)), (1 << self.turn_bits) - 1
        rows = planes * distinct_rows(self.matrix)
        width = (self.length * top).bit_length() + 1
        kept = Cost(rows * width, rows * (width + self.bits - self.turn_bits))
        return rough_cost(self.matrix, self.turn_bits, planes, levels) + kept
