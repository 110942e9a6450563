"""Changing how many elements a beat carries."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from subbit.hw.contract.blocks import counter_cost, luts, registers
from subbit.hw.contract.cost import Cost
from subbit.hw.contract.unit import Beats, Lanes
from subbit.hw.streams.shapes import ElementUnit
from subbit.sw.cycles.model import GIVE, TAKE, Process
from subbit.sw.errors import PlanError

__all__ = ["DownsizeUnit", "UpsizeUnit"]

HANDSHAKE = luts(4) + Cost(flip_flops=1)  # of the two streams


@dataclass(frozen=True, kw_only=True)
class UpsizeUnit(ElementUnit):
    """Joins ``ratio`` neighbouring beats of payload ``element`` into one, the first in the lowest
    lanes.

    ``runs``: equal runs of neighbouring lanes that a beat consists of. The joined beat holds the
    first run of every beat, then the second run of every beat, and so on: with the pixels of an
    engine as runs, whole pixels one after the other. The order is wiring and takes nothing.

    ``beats``: input beats per frame, a multiple of ``ratio``. Latency: 1 cycle after the last of
    the beats that are joined. Interval: ``beats`` cycles: one input beat a cycle, also while an
    output beat waits, up to the beat that would complete the next one. Raises PlanError where
    ``runs`` does not divide the lanes of ``element``.
    """

    component: ClassVar[str] = "subbit.hw.streams.width_rtl:Upsize"
    element: Lanes
    ratio: int
    beats: int
    runs: int = 1

    def __post_init__(self) -> None:
        if self.runs < 1 or self.element.lanes % self.runs:
            raise PlanError(
                f"runs must divide the {self.element.lanes} lanes of a beat, and {self.runs} "
                "does not"
            )

    @property
    def o(self) -> Lanes:
        """``ratio`` times as many lanes."""
        return Lanes(self.element.lanes * self.ratio, self.element.bits, self.element.signed)

    def processes(self) -> tuple[Process, ...]:
        """Takes a beat a cycle; the last of each ``ratio`` gives one."""
        group = np.full(self.ratio, TAKE, np.uint8)
        group[-1] |= GIVE
        return (Process("upsize", np.tile(group, self.beats // self.ratio)),)

    def reference(self, beats: Beats) -> Beats:
        """Neighbouring beats side by side, run by run."""
        runs = beats.reshape(-1, self.ratio, self.runs, self.element.lanes // self.runs)
        return runs.swapaxes(1, 2).reshape(-1, self.o.lanes)

    def cost(self) -> Cost:
        """Registers of the parts so far and of the whole, a counter and handshakes."""
        parts = self.o.width - self.i.width
        return registers(parts + self.o.width) + counter_cost(self.ratio) + HANDSHAKE


@dataclass(frozen=True, kw_only=True)
class DownsizeUnit(ElementUnit):
    """Splits each beat of payload ``element`` into ``ratio`` beats of a ``ratio``-th of its lanes
    each, the lowest lanes first. ``ratio`` divides the lanes of ``element``.

    ``beats``: input beats per frame. Latency: 1 cycle. Interval: ``beats * ratio`` cycles: one
    output beat a cycle.
    """

    component: ClassVar[str] = "subbit.hw.streams.width_rtl:Downsize"
    element: Lanes
    ratio: int
    beats: int

    @property
    def o(self) -> Lanes:
        """A ``ratio``-th of the lanes."""
        return Lanes(self.element.lanes // self.ratio, self.element.bits, self.element.signed)

    def processes(self) -> tuple[Process, ...]:
        """The first step of each beat takes it; every step gives one part."""
        group = np.full(self.ratio, GIVE, np.uint8)
        group[0] |= TAKE
        return (Process("downsize", np.tile(group, self.beats)),)

    def reference(self, beats: Beats) -> Beats:
        """The parts of each beat one after another."""
        return beats.reshape(-1, self.o.lanes)

    def cost(self) -> Cost:
        """A register that is loaded or moves on, a counter and handshakes."""
        moving = self.i.width - self.o.width  # the topmost part is loaded alone
        parts = luts(moving) + Cost(flip_flops=moving) + registers(self.o.width)
        return parts + counter_cost(self.ratio) + HANDSHAKE
