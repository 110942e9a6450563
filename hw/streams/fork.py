"""One stream to several readers."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from subbit.hw.contract.blocks import luts, registers
from subbit.hw.contract.cost import Cost
from subbit.hw.contract.unit import Beats, Lanes
from subbit.hw.streams.shapes import ElementUnit
from subbit.sw.cycles.model import GIVE, TAKE, Process

__all__ = ["ForkUnit"]


@dataclass(frozen=True, kw_only=True)
class ForkUnit(ElementUnit):
    """Gives every beat of ``i``, of payload ``element``, to each of ``branches`` output streams
    ``o0``, ``o1`` and so on, which take it in their own time.

    The beat stays in one register until the last branch has taken it; the next one may come in that
    cycle. Latency: 1 cycle. Interval: ``beats`` cycles, with ``beats`` the beats of a frame, where
    all branches are always ready.
    """

    component: ClassVar[str] = "subbit.hw.streams.fork_rtl:Fork"
    element: Lanes
    branches: int
    beats: int

    @property
    def outputs(self) -> dict[str, Lanes]:
        """``o0``, ``o1`` and so on."""
        return {f"o{branch}": self.element for branch in range(self.branches)}

    def processes(self) -> tuple[Process, ...]:
        """A beat a cycle into a register."""
        return (Process("fork", np.full(self.beats, TAKE | GIVE, np.uint8)),)

    def reference(self, beats: Beats) -> Beats:
        """The beats as they came, the same on every branch."""
        return beats

    def cost(self) -> Cost:
        """The register, and a flag a branch."""
        flags = luts(2 * self.branches + 2) + Cost(flip_flops=self.branches)
        return registers(self.element.width) + flags
