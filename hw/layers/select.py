"""Some channels of a stream's pixels, as far as they stay in order."""

from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

import numpy as np

from subbit.hw.contract.blocks import counter_cost, luts, registers
from subbit.hw.contract.cost import Cost
from subbit.hw.contract.unit import Beats, Lanes
from subbit.hw.streams.shapes import LanesUnit, beat_sizes
from subbit.sw.cycles.model import GIVE, TAKE, Process
from subbit.sw.errors import PlanError
from subbit.sw.ir.layers.select import Select
from subbit.sw.ir.types import TensorType

__all__ = ["SelectUnit", "chunks_of", "in_order", "select_sizes"]


def chunks_of(layer: Select, lanes: int) -> list[int] | None:
    """Which parts of a pixel, of ``lanes`` channels each, the selected channels are, in order; None
    where they are no whole parts.
    """
    if len(layer.channels) % lanes:
        return None
    parts = layer.channels.reshape(-1, lanes)
    first = parts[:, 0]
    whole = (first % lanes == 0).all() and (parts == first[:, None] + np.arange(lanes)).all()
    return (first // lanes).tolist() if whole else None


def in_order(chunks: list[int]) -> bool:
    """Whether parts of a pixel are left out, but neither change places nor come again."""
    return all(a < b for a, b in pairwise(chunks))


def select_sizes(layer: Select, x: TensorType) -> list[int]:
    """How many elements a beat may hold, ascending: so many that whole parts of a pixel are
    selected, whole pixels of a row, or whole rows.
    """
    sizes = beat_sizes(x)
    return [n for n in sizes if n >= x.channels or chunks_of(layer, n) is not None]


@dataclass(frozen=True, kw_only=True)
class SelectUnit(LanesUnit):
    """The channels of ``layer`` of each pixel of the tensor ``input``, which comes ``lanes``
    elements a beat, one of ``select_sizes``.

    Whole pixels: which element goes where is wiring, so an output beat holds the selected channels
    of as many pixels. Parts of a pixel: a beat passes, or is dropped, and parts do not change
    places. Latency: 1 cycle. Interval: ``elements / lanes`` cycles, an input beat a cycle.

    Raises PlanError where a beat may not hold ``lanes`` elements, or parts would change places.
    """

    component: ClassVar[str] = "subbit.hw.layers.select_rtl:Select"
    layer: Select
    input: TensorType
    lanes: int

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.whole and not in_order(self.parts):
            raise PlanError(
                f"parts of {self.lanes} channels would change places; select them from whole pixels"
            )

    @property
    def sizes(self) -> list[int]:
        """Those of which whole ones are selected."""
        return select_sizes(self.layer, self.input)

    @property
    def whole(self) -> bool:
        """Whether a beat holds whole pixels."""
        return self.lanes >= self.input.channels

    @property
    def parts(self) -> list[int]:
        """The parts of a pixel that pass; all of one where a beat holds whole pixels."""
        return [0] if self.whole else chunks_of(self.layer, self.lanes) or []

    @property
    def o(self) -> Lanes:
        """The selected channels of as many pixels, or a part of one."""
        lanes = self.beat_pixels * len(self.layer.channels) if self.whole else self.lanes
        return Lanes.of(self.input, lanes)

    @property
    def passes(self) -> list[bool]:
        """Of each beat of a pixel, whether it passes."""
        kept = set(self.parts)
        return [k in kept for k in range(self.chunks)]

    def processes(self) -> tuple[Process, ...]:
        """A beat a cycle, into the output register or dropped."""
        pixel = np.where(self.passes, TAKE | GIVE, TAKE).astype(np.uint8)
        beats = self.input.elements // self.lanes
        return (Process("select", np.tile(pixel, beats // self.chunks)),)

    def reference(self, beats: Beats) -> Beats:
        """The selected channels of each pixel."""
        pixels = beats.reshape(-1, self.input.channels)
        return pixels[:, self.layer.channels].reshape(-1, self.o.lanes)

    def cost(self) -> Cost:
        """The output register of the elements that pass, and a counter of the parts of a pixel."""
        kept = len(set(self.layer.channels.tolist())) * self.beat_pixels
        width = (kept if self.whole else self.lanes) * self.input.bits
        return registers(width) + counter_cost(self.chunks, [self.passes]) + luts(4) + VALID


VALID = Cost(flip_flops=1)
