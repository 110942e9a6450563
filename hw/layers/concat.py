"""The channels of several streams, one behind the other."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd
from typing import ClassVar

import numpy as np

from subbit.hw.contract.blocks import choice_cost, counter_cost, luts, registers
from subbit.hw.contract.cost import Cost
from subbit.hw.contract.unit import Beats, Lanes, Unit
from subbit.hw.streams.shapes import beat_sizes, check_beat
from subbit.sw.cycles.model import GIVE, TAKE, Process, of_source
from subbit.sw.ir.layers.concat import Concat
from subbit.sw.ir.types import TensorType, recoding

__all__ = ["ConcatUnit", "concat_sizes"]


def concat_sizes(parts: Sequence[TensorType]) -> list[int]:
    """How many elements a beat of the concatenation may hold, ascending: a divisor of the channels
    of every input, whole pixels of a row, or whole rows.
    """
    whole = Concat().infer(tuple(parts))
    common = gcd(*(part.channels for part in parts))
    sizes = beat_sizes(whole)
    return [n for n in sizes if n % whole.channels == 0 or common % n == 0]


@dataclass(frozen=True, kw_only=True)
class ConcatUnit(Unit):
    """The channels of the tensors ``parts``, in that order, from the streams ``i0``, ``i1`` and so
    on. Each element keeps its value in the type of the whole, which is that of a Concat.

    ``lanes``: elements of an output beat, one of ``concat_sizes``. Where it divides the channels of
    every part, beats are taken in turn, those of a pixel from the first stream, then from the next.
    Where it is whole pixels or rows, a beat of each stream, with as many pixels, is taken at once.
    Latency: 1 cycle. Interval: ``elements / lanes`` cycles, a beat a cycle.

    Two parts, of 4 and 2 channels, ``lanes`` 2, and ``lanes`` 6::

        i0.payload   A B . A B .      i0.payload   DCBA DCBA
        i1.payload   . . C . . C      i1.payload   FE   FE
        o.payload    . A B C A B C    o.payload    .    FEDCBA FEDCBA

    Raises PlanError where a beat may not hold ``lanes`` elements, and NetworkError where the parts
    do not fit each other.
    """

    component: ClassVar[str] = "subbit.hw.layers.concat_rtl:Concat"
    parts: tuple[TensorType, ...]
    lanes: int

    def __post_init__(self) -> None:
        check_beat(self.lanes, self.whole, concat_sizes(self.parts))

    @property
    def whole(self) -> TensorType:
        """The output tensor."""
        return Concat().infer(self.parts)

    @property
    def in_turn(self) -> bool:
        """Whether a step takes from one stream alone."""
        return self.lanes < self.whole.channels

    @property
    def beat_pixels(self) -> int:
        """Pixels of a beat; 1 where it holds some channels of a pixel."""
        return max(1, self.lanes // self.whole.channels)

    @property
    def i(self) -> Lanes:
        """Elements of the first part."""
        return self.inputs["i0"]

    @property
    def inputs(self) -> dict[str, Lanes]:
        """``i0``, ``i1`` and so on, elements of the parts."""
        lanes = [self.lanes if self.in_turn else self.beat_pixels * x.channels for x in self.parts]
        return {f"i{k}": Lanes.of(x, lanes[k]) for k, x in enumerate(self.parts)}

    @property
    def o(self) -> Lanes:
        """Elements of the whole."""
        return Lanes.of(self.whole, self.lanes)

    @property
    def turns(self) -> list[int]:
        """Which stream each beat of a pixel is from, where they are taken in turn."""
        return [k for k, x in enumerate(self.parts) for _ in range(x.channels // self.lanes)]

    def processes(self) -> tuple[Process, ...]:
        """A beat a cycle through an output register, of each stream or of the one whose turn it
        is.
        """
        if not self.in_turn:
            steps = np.full(self.whole.elements // self.lanes, TAKE | GIVE, np.uint8)
            return (Process("concat", steps),)
        pixel = np.array([TAKE | GIVE | of_source(k) for k in self.turns], np.uint8)
        return (Process("concat", np.tile(pixel, self.whole.height * self.whole.width)),)

    def reference(self, beats: Beats) -> Beats:
        """As ``joined``, where all streams bring as many beats."""
        ends = np.cumsum([lanes.lanes for lanes in self.inputs.values()])
        return self.joined(np.split(beats, ends[:-1], axis=1))

    def joined(self, streams: Sequence[Beats]) -> Beats:
        """The channels of all parts, pixel by pixel."""
        found = []
        for part, beats in zip(self.parts, streams, strict=True):
            factor, offset = recoding(part, self.whole)
            found.append(factor * beats.reshape(-1, part.channels) + offset)
        return np.hstack(found).reshape(-1, self.lanes)

    def cost(self) -> Cost:
        """A register, and where streams have turns a choice, and what counts the turns."""
        width = self.o.width
        if not self.in_turn:
            return registers(width) + luts(len(self.parts) + 2) + Cost(flip_flops=1)
        turns = np.array(self.turns)
        flags = [turns == k for k in range(len(self.parts))]
        choice = choice_cost(len(self.parts), width) + Cost(flip_flops=width)
        handshake = luts(2 * len(self.parts) + 1) + Cost(flip_flops=1)
        return choice + counter_cost(len(turns), flags) + handshake
