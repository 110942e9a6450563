"""One pixel's outputs after the other's, from an engine that computes several at once."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from subbit.sw.cycles.model import GIVE, TAKE, Process
from subbit.sw.units.cost import Cost
from subbit.sw.units.unit import Beats, Lanes, Unit

__all__ = ["Pick"]


@dataclass(frozen=True)
class Pick(Unit):
    """Of each beat the part of one pixel: the first for ``passes`` beats, then the second, and on.

    Input: ``pixels`` parts of ``pixel`` lanes a beat, every group of ``passes`` beats ``pixels``
    times over (a Replay makes that). ``groups``: per frame. Latency: 1 cycle. Interval: one beat a
    cycle.
    """

    component: ClassVar[str] = "subbit.hw.pick:Pick"
    pixel: Lanes
    pixels: int
    passes: int
    groups: int

    @property
    def i(self) -> Lanes:
        """The parts of all pixels side by side."""
        return Lanes(self.pixel.lanes * self.pixels, self.pixel.bits, self.pixel.signed)

    @property
    def o(self) -> Lanes:
        """The part of one pixel."""
        return self.pixel

    def processes(self) -> tuple[Process, ...]:
        """A beat a cycle through an output register."""
        steps = np.full(self.groups * self.pixels * self.passes, TAKE | GIVE, np.uint8)
        return (Process("pick", steps),)

    def reference(self, beats: Beats) -> Beats:
        """The diagonal of repetition and part."""
        parts = beats.reshape(-1, self.pixels, self.passes, self.pixels, self.pixel.lanes)
        picked = [parts[:, pixel, :, pixel] for pixel in range(self.pixels)]
        return np.stack(picked, axis=1).reshape(-1, self.pixel.lanes)

    def cost(self) -> Cost:
        """A choice of ``pixels`` parts, and counters."""
        counters = (self.pixels * self.passes).bit_length()
        lut4 = self.o.width * max(1, (2 * (self.pixels - 1) + 2) // 3) + 2 * counters
        return Cost(lut4=lut4, flip_flops=self.o.width + counters + 1)
