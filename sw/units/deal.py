"""One pixel's outputs after the other's, from words of several outputs of several pixels."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from subbit.sw.units.pick import Pick
from subbit.sw.units.unit import Beats

__all__ = ["Deal"]


@dataclass(frozen=True)
class Deal(Pick):
    """As Pick, but the lanes of a beat are in the order output, pixel: the first pixel has the
    lanes ``0, pixels, 2*pixels, ..``.
    """

    component: ClassVar[str] = "subbit.hw.deal:Deal"

    def reference(self, beats: Beats) -> Beats:
        """Pick's, of the lanes put in its order."""
        lanes = beats.reshape(-1, self.pixel.lanes, self.pixels)
        return super().reference(np.ascontiguousarray(lanes.swapaxes(1, 2)).reshape(beats.shape))
