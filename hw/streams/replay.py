"""Emitting each vector several times, once for every fold of the engine behind."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from subbit.hw.contract.blocks import counter_cost, lut_rom_luts, luts, registers
from subbit.hw.contract.cost import Cost
from subbit.hw.contract.memory import memory_cost
from subbit.hw.contract.unit import Beats, Lanes
from subbit.hw.streams.shapes import ElementUnit
from subbit.sw.cycles.model import GIVE, POP, PUSH, RESERVE, TAKE, WAIT, Process
from subbit.sw.errors import PlanError

__all__ = ["ReplayUnit"]


@dataclass(frozen=True, kw_only=True)
class ReplayUnit(ElementUnit):
    """Buffers a vector of ``words`` beats of payload ``element`` and emits it ``folds`` times, once
    for every fold of the engine behind. ``vectors``: per frame.

    With two words or more there are two banks, so that one vector loads while the other is read; a
    vector is read once it is whole. Latency to the first output beat: ``words + 1`` cycles. A
    vector of one word needs no banks: it stays in the output register; latency 1. Interval either
    way: ``vectors * words * folds`` cycles.

    ``memory``: where banks live: ``auto``, ``block``, ``distributed``, or ``registers``: a vector
    loads into a shift register and moves as a whole into a ring, from which it is read. That takes
    two flip-flops for each bit of a vector, on an iCE40 far less than a choice among as many, and
    one cycle more of latency. ``payload_delay``: cycles (0 for none) by which the payload of ``i``
    comes after its handshake and that of ``o`` after its own.

    ``order``: the words that are given, by number: all of them in another order, some of them, some
    several times; without, all as they came. Then ``len(order)`` takes the place of ``words`` in
    the interval, where that is more than the ``words`` that come.

    Raises PlanError for a negative ``payload_delay``, for any with more than one word, for
    registers where each vector is read but once, and for an ``order`` of one word or in registers.
    """

    component: ClassVar[str] = "subbit.hw.streams.replay_rtl:Replay"
    element: Lanes
    words: int
    folds: int
    vectors: int
    memory: str = "auto"
    payload_delay: int = 0
    order: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.payload_delay < 0 or (self.payload_delay and self.words > 1):
            raise PlanError(f"payload_delay is for vectors of one beat, not of {self.words} beats")
        if self.is_ring and self.folds == 1:
            raise PlanError("vectors that are read only once are not for registers")
        if self.order and (self.words == 1 or self.is_ring):
            raise PlanError("words are given in another order from a memory of several")

    @property
    def reads(self) -> int:
        """Words that are given each time."""
        return len(self.order) or self.words

    @property
    def o_payload_delay(self) -> int:
        """``payload_delay``."""
        return self.payload_delay

    @property
    def interval_cycles(self) -> int:
        """Cycles between two frames when neither neighbour is slower."""
        return self.vectors * max(self.words, self.reads * self.folds)

    @property
    def is_ring(self) -> bool:
        """Whether vectors of several words stand in registers."""
        return self.words > 1 and self.memory == "registers"

    @property
    def bank_words(self) -> int:
        """Distance of the two banks in the memory: ``words`` rounded up to a power of two."""
        return 1 << (self.words - 1).bit_length()

    @property
    def memory_words(self) -> int:
        """Words of the memory that holds both banks."""
        return self.bank_words + self.words

    def processes(self) -> tuple[Process, ...]:
        """A writer and a reader that exchange whole vectors through two banks, or a shift register
        and a ring; or one register.
        """
        if self.words == 1:
            steps = np.full((self.vectors, self.folds), GIVE, np.uint8)
            steps[:, 0] |= TAKE
            return (Process("replay", steps.ravel()),)
        write = np.full((self.vectors, self.words), TAKE, np.uint8)
        write[:, 0] |= RESERVE
        write[:, -1] |= PUSH
        read = np.full((self.vectors, self.folds * self.reads), GIVE, np.uint8)
        read[:, 0] |= WAIT
        read[:, -1] |= POP
        return (
            Process("replay write", write.ravel(), 1 + self.is_ring, capacity=2, recycle=1),
            Process("replay read", read.ravel()),
        )

    def reference(self, beats: Beats) -> Beats:
        """Each group of ``words`` beats ``folds`` times, or what ``order`` says of them."""
        vectors = beats.reshape(-1, 1, self.words, self.element.lanes)
        if self.order:
            vectors = vectors[:, :, list(self.order)]
        return np.repeat(vectors, self.folds, axis=1).reshape(-1, self.element.lanes)

    def cost(self) -> Cost:
        """Banks, or shift register and ring; output register and counters."""
        width, folds = self.element.width, counter_cost(self.folds)
        if self.words == 1:
            valid = luts(4) + Cost(flip_flops=1) + registers(self.payload_delay)
            return registers(width) + folds + valid
        counters = counter_cost(self.words) + counter_cost(self.reads) + folds
        if self.is_ring:
            ring = luts(width * self.words) + Cost(flip_flops=width * self.words)
            stores = ring + registers(width * (self.words + 1))
            return stores + counters + luts(16) + Cost(flip_flops=5)
        store = memory_cost(width, self.memory_words, self.memory)
        return store + counters + self.order_cost + luts(14) + Cost(flip_flops=5)

    @property
    def order_cost(self) -> Cost:
        """A table of the words in another order, and the register of its number."""
        if not self.order:
            return Cost()
        bits = (self.words - 1).bit_length()
        return luts(bits * lut_rom_luts(self.reads)) + Cost(flip_flops=bits)
