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
    """As Pick, but the lanes of a beat are in the order output, pixel: the first pixel has the
    lanes ``0, pixels, 2*pixels, ..``. Latency: 2 cycles.
    """

    component: ClassVar[str] = "subbit.hw.deal:Deal"

    def processes(self) -> tuple[Process, ...]:
        """A register, and Pick's."""
        picks = super().processes()
        return (replace(picks[0], name="deal"), *picks)

    def cost(self) -> Cost:
        """Pick's, and the register."""
        return super().cost() + Cost(2, self.i.width + 1)

    def reference(self, beats: Beats) -> Beats:
        """Pick's, of the lanes put in its order."""
        lanes = beats.reshape(-1, self.pixel.lanes, self.pixels)
        return super().reference(np.ascontiguousarray(lanes.swapaxes(1, 2)).reshape(beats.shape))
