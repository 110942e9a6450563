"""One pixel's outputs after the other's, from an engine that computes several at once."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from subbit.hw.contract.blocks import choice_cost, counter_cost, luts, registers
from subbit.hw.contract.cost import Cost
from subbit.hw.contract.unit import Beats, Lanes, Unit
from subbit.sw.cycles.model import GIVE, TAKE, Process

__all__ = ["DealUnit"]


@dataclass(frozen=True)
class DealUnit(Unit):
    """Of each beat the part of one pixel: the first for ``passes`` beats, then the second, and on.

    Input: beats of ``pixels`` times the lanes of ``pixel``, every group of ``passes`` beats
    ``pixels`` times over (a Replay makes that). A beat is several of an engine's side by side, so
    its lanes are in the order beat, pixel, output, with ``pe`` outputs of each pixel in each beat
    of the engine. ``groups``: per frame. Latency: 2 cycles. Interval: one beat a cycle.
    """

    component: ClassVar[str] = "subbit.hw.streams.deal_rtl:Deal"
    pixel: Lanes
    pixels: int
    passes: int
    groups: int
    pe: int = 1

    @property
    def i(self) -> Lanes:
        """The parts of all pixels."""
        return Lanes(self.pixel.lanes * self.pixels, self.pixel.bits, self.pixel.signed)

    @property
    def o(self) -> Lanes:
        """The part of one pixel."""
        return self.pixel

    def processes(self) -> tuple[Process, ...]:
        """A beat a cycle through two registers."""
        steps = np.full(self.groups * self.pixels * self.passes, TAKE | GIVE, np.uint8)
        return (Process("deal", steps), Process("pick", steps))

    def reference(self, beats: Beats) -> Beats:
        """The diagonal of repetition and part."""
        lanes = beats.reshape(-1, self.pixel.lanes // self.pe, self.pixels, self.pe)
        dealt = np.ascontiguousarray(lanes.swapaxes(1, 2))
        parts = dealt.reshape(-1, self.pixels, self.passes, self.pixels, self.pixel.lanes)
        picked = [parts[:, pixel, :, pixel] for pixel in range(self.pixels)]
        return np.stack(picked, axis=1).reshape(-1, self.pixel.lanes)

    def cost(self) -> Cost:
        """A register, a choice of ``pixels`` parts, another register, and counters."""
        choice = choice_cost(self.pixels, self.o.width) + Cost(flip_flops=self.o.width)
        counters = counter_cost(self.passes) + counter_cost(self.pixels)
        return registers(self.i.width) + choice + counters + luts(4) + Cost(flip_flops=2)
