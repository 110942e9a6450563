"""Keeping every other row and column."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from subbit.sw.cycles.model import GIVE, TAKE, Process
from subbit.sw.ir.types import TensorType
from subbit.sw.units.unit import Beats, Lanes, Unit

__all__ = ["Subsample"]


@dataclass(frozen=True)
class Subsample(Unit):
    """Passes the pixels whose row and column are multiples of ``stride``; the input of a strided
    1x1 convolution.

    ``input``: the tensor; ``lanes``: channels a beat. Latency: 1 cycle. Takes one beat a cycle.
    """

    component: ClassVar[str] = "subbit.hw.subsample:Subsample"
    input: TensorType
    stride: int
    channels: int

    @property
    def i(self) -> Lanes:
        """``channels`` elements of the input."""
        return Lanes.of(self.input, self.channels)

    @property
    def o(self) -> Lanes:
        """As the input."""
        return self.i

    def kept(self) -> np.ndarray:
        """Which beats of a frame pass, as booleans."""
        rows, columns = (np.arange(n) % self.stride == 0 for n in self.input.shape[:2])
        pixels = np.logical_and.outer(rows, columns).ravel()
        return np.repeat(pixels, self.input.channels // self.channels)

    def processes(self) -> tuple[Process, ...]:
        """Takes every beat; gives those that pass."""
        steps = np.where(self.kept(), TAKE | GIVE, TAKE).astype(np.uint8)
        return (Process("subsample", steps),)

    def reference(self, beats: Beats) -> Beats:
        """The beats that pass."""
        kept: Beats = beats[np.tile(self.kept(), len(beats) // len(self.kept()))]
        return kept
