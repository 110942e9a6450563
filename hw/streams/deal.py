"""One pixel's outputs after the other's, from an engine that computes several at once."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from subbit.hw.contract.blocks import choice_cost, counter_cost, luts, registers
from subbit.hw.contract.cost import Cost
from subbit.hw.contract.unit import Beats, Lanes, Unit
from subbit.sw.cycles.model import GIVE, TAKE, Process

__all__ = ["DealUnit"]


@dataclass(frozen=True, kw_only=True)
class DealUnit(Unit):
    """Of each beat the part of one pixel, chosen in turn: output beat ``(g, p, n)`` of group g,
    pixel p and pass n is the part of pixel p of input beat ``(g, p, n)``.

    It follows an engine that computes ``pixels`` output pixels at once, and brings its outputs into
    the order of the tensor, one pixel after the other. Input: beats of ``pixels`` times the lanes
    of ``pixel``, every group of ``passes`` beats ``pixels`` times over (a Replay makes that). A
    beat may be several of the engine's side by side, so its lanes are in the order beat, pixel,
    output, with ``pe`` outputs of each pixel in each beat of the engine. Output: ``pixel``.
    ``groups``: per frame.

    Latency: 2 cycles. Interval: ``groups * pixels * passes`` cycles, a beat a cycle.
    """

    component: ClassVar[str] = "subbit.hw.streams.deal_rtl:Deal"
    pixel: Lanes
    passes: int
    groups: int
    pixels: int = 1
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
