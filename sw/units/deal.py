"""One pixel's outputs after the other's, from words of several outputs of several pixels."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from subbit.sw.cycles.model import Process
from subbit.sw.units.cost import Cost
from subbit.sw.units.pick import Pick
from subbit.sw.units.unit import Beats

__all__ = ["Deal"]


@dataclass(frozen=True)
class Deal(Pick):
    """As Pick, but a beat is several of an engine's side by side: its lanes are in the order beat,
    pixel, output, with ``pe`` outputs of each pixel in each beat of the engine. Latency: 2 cycles.
    """

    component: ClassVar[str] = "subbit.hw.deal:Deal"
    pe: int = 1

    def processes(self) -> tuple[Process, ...]:
        """A register, and Pick's."""
        picks = super().processes()
        return (replace(picks[0], name="deal"), *picks)

    def cost(self) -> Cost:
        """Pick's, and the register."""
        return super().cost() + Cost(2, self.i.width + 1)

    def reference(self, beats: Beats) -> Beats:
        """Pick's, of the lanes put in its order."""
        lanes = beats.reshape(-1, self.pixel.lanes // self.pe, self.pixels, self.pe)
        return super().reference(np.ascontiguousarray(lanes.swapaxes(1, 2)).reshape(beats.shape))
