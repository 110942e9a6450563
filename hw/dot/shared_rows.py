"""The engine of tiled layers whose outputs share rows: each row once, then all its outputs."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from subbit.hw.contract.blocks import counter_cost, luts, registers, steps_cost
from subbit.hw.contract.cost import Cost
from subbit.hw.contract.memory import credit_queue_cost, level_cost, memory_cost
from subbit.hw.contract.unit import Beats, Lanes, Unit
from subbit.hw.dot.dot import DotUnit
from subbit.hw.dot.dot_cost import rows_cost
from subbit.hw.dot.popcount import PopcountShape
from subbit.hw.post.raw import PostConfig, PostLayer, RawNumbers, output_type, post_values
from subbit.sw.cycles.model import GIVE, POP, PUSH, RESERVE, TAKE, WAIT, Process
from subbit.sw.ir.types import TensorType

__all__ = ["SharedRowsUnit"]


@dataclass(frozen=True, eq=False, kw_only=True)
class SharedRowsUnit(Unit):
    """``out[k * rows + r] = post(sum of row r)`` for ``k = 0 .. repeats - 1``: the engine of tiled
    layers whose outputs share rows. Where p = ``repeats`` divides the outputs of a layer of Tiled
    Bit Networks (Gorbett et al., arXiv 2407.12075), rows r and r + rows have the same weights, so
    that each is computed once and compared p times.

    ``dot``: the direct engine of the distinct rows, with an affine end that gives its raw numbers;
    input beats and weights are its. ``post``: on those sums, for each of ``repeats * rows``
    outputs; ``dot.pe`` outputs a beat. The sums of a vector are put straight into one of ``banks``
    banks of a memory, and read from there for every output; no queue is in between.

    Latency: ``dot.stages + core.latency + 3`` cycles from a vector's last input beat to its first
    output. Interval: ``vectors * passes * max(beats * bit_steps, repeats)`` cycles, with
    ``vectors``, ``passes``, ``beats`` and ``bit_steps`` those of ``dot``.

    Raises PlanError where the settings of ``dot`` do not fit.
    """

    component: ClassVar[str] = "subbit.hw.dot.shared_rows_rtl:SharedRows"
    dot: DotUnit
    repeats: int
    post: PostLayer

    @cached_property
    def sums(self) -> TensorType:
        """The type of the sums, side by side for all outputs."""
        assert self.dot.post is not None
        row = self.dot.post.infer((self.dot.dot_type,))
        channels = self.repeats * self.dot.weights.shape[0]
        return TensorType.integers(1, 1, channels, row.low, row.high)

    @property
    def i(self) -> Lanes:
        """As of ``dot``."""
        return self.dot.i

    @property
    def i_payload_delay(self) -> int:
        """As of ``dot``."""
        return self.dot.i_payload_delay

    @property
    def o(self) -> Lanes:
        """``dot.pe`` outputs."""
        return Lanes.of(output_type(self.post, self.sums), self.dot.pe)

    @property
    def popcount(self) -> PopcountShape:
        """The counters of the rows."""
        return self.dot.popcount

    @property
    def words(self) -> int:
        """Words of sums of a vector."""
        return self.dot.passes

    @property
    def row_cycles(self) -> int:
        """Cycles that the rows of a vector take."""
        return self.words * self.dot.beats * self.dot.bit_steps

    @property
    def interval_cycles(self) -> int:
        """Cycles between two frames when neither neighbour is slower."""
        return self.dot.vectors * max(self.row_cycles, self.words * self.repeats)

    @cached_property
    def core(self) -> PostConfig:
        """What turns sums into outputs."""
        x = self.sums
        raw = RawNumbers.plain(x.channels, x.low, x.high)
        return raw.core(self.post, self.dot.pe, self.o.bits)

    @property
    def banks(self) -> int:
        """Vectors of sums in the memory: a power of two, and so many that no vector waits for a
        bank.

        A bank is taken with the last beat of a vector's first pass, and is free once it was read.
        """
        busy = self.row_cycles - self.row_cycles // self.words + self.dot.stages
        busy += self.words * self.repeats + 1
        wanted = -(-busy // max(self.row_cycles, self.words * self.repeats))
        return max(2, 1 << (wanted - 1).bit_length())

    @property
    def bank_words(self) -> int:
        """Distance of the banks in the memory: ``words`` rounded up to a power of two."""
        return 1 << (self.words - 1).bit_length()

    @property
    def memory(self) -> str:
        """The kind of memory of the sums: block RAM, as tiled weights leave many of those unused,
        save for a single word.
        """
        return "block" if self.words > 1 else "distributed"

    @property
    def depth(self) -> int:
        """Beats that the output queue holds: enough for one a cycle."""
        return self.core.latency + 3

    def processes(self) -> tuple[Process, ...]:
        """One fills banks with sums; one reads them and gives outputs."""
        group = np.full(self.dot.beats * self.dot.bit_steps, WAIT, np.uint8)
        group[self.dot.bit_steps - 1 :: self.dot.bit_steps] = TAKE
        fill = np.tile(group, (self.dot.vectors, self.words, 1))
        fill[:, 0, -1] |= RESERVE
        fill[:, -1, -1] |= PUSH
        read = np.full((self.dot.vectors, self.words * self.repeats), WAIT | GIVE, np.uint8)
        read[:, -1] |= POP
        return (
            Process("shared rows", fill.ravel(), self.dot.stages + 1, self.banks, 1),
            Process("shared outputs", read.ravel(), self.core.latency + 2, self.depth, 1),
        )

    def reference(self, beats: Beats) -> Beats:
        """The end's own definition, on the sums repeated."""
        rows = self.dot.reference(beats).reshape(-1, 1, self.dot.weights.shape[0])
        sums = np.repeat(rows, self.repeats, axis=1).reshape(len(rows), -1)
        return post_values(self.post, sums).reshape(-1, self.dot.pe)

    def cost(self) -> Cost:
        """Estimated cost: rows without their queue, the memory of sums, and their end."""
        total = rows_cost(self.dot) + self.core.cost
        total += memory_cost(self.dot.o.width, self.banks * self.bank_words, self.memory)
        first = [word == 0 for word in range(self.words)]
        total += counter_cost(self.words, [first]) + counter_cost(self.words) * 2
        total += counter_cost(self.repeats) + (level_cost(self.banks) + steps_cost(self.banks)) * 2
        total += luts(8) + registers(self.core.latency + 1)
        return total + credit_queue_cost(self.o.width, self.depth)
