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
from subbit.sw.errors import PlanError
from subbit.sw.ir.arrays import Ints
from subbit.sw.ir.layers.affine import Affine
from subbit.sw.ir.layers.threshold import Threshold
from subbit.sw.ir.types import TensorType

__all__ = ["SharedRowsUnit"]


@dataclass(frozen=True, eq=False, kw_only=True)
class SharedRowsUnit(Unit):
    """``out[k * rows + r] = post(sum of row r)`` for ``k = 0 .. repeats - 1``: the engine of tiled
    layers whose outputs share rows. Where p = ``repeats`` divides the outputs of a layer of Tiled
    Bit Networks (Gorbett et al., arXiv 2407.12075), rows r and r + rows have the same weights, so
    that each is computed once and compared p times.

    ``dot``: the direct engine of the distinct rows, with an affine end that gives its raw numbers;
    input beats and weights are its, and its ``pixels`` vectors side by side. ``post``: on those
    sums, for each of ``repeats * rows`` outputs. The sums of a vector are put straight into one of
    ``banks`` banks of a memory, and read from there for every output; no queue is in between.

    ``at_once``: outputs of a row that are made at the same time, a divisor of ``repeats``, so that
    a sum is read ``reads = repeats / at_once`` times. Output beat ``(k, g)`` of a vector, k from 0
    to ``reads - 1`` and g from 0 to ``passes - 1``, holds for each pixel in turn, for each n from 0
    to ``at_once - 1``, the outputs ``(k * at_once + n) * rows + g * pe + 0 .. pe - 1``, with ``pe``
    and ``passes`` those of ``dot``. Where one read is enough there is no memory: sums go straight
    to the thresholds of all their outputs.

    Latency: ``dot.stages + core.latency + 3`` cycles from a vector's last input beat to its first
    output, or without the memory ``stages + 1`` from the last beat of each pass to its output.
    Interval: ``vectors * passes * max(beats * bit_steps, reads)`` cycles, with ``vectors``,
    ``passes``, ``beats`` and ``bit_steps`` those of ``dot``.

    Raises PlanError where ``at_once`` does not divide ``repeats``.
    """

    component: ClassVar[str] = "subbit.hw.dot.shared_rows_rtl:SharedRows"
    dot: DotUnit
    repeats: int
    post: PostLayer
    at_once: int = 1

    def __post_init__(self) -> None:
        if self.at_once < 1 or self.repeats % self.at_once:
            raise PlanError(
                f"outputs of a row at once must divide its {self.repeats}, and {self.at_once} "
                "does not"
            )

    @property
    def pixels(self) -> int:
        """As of ``dot``."""
        return self.dot.pixels

    @property
    def reads(self) -> int:
        """How often a sum is compared."""
        return self.repeats // self.at_once

    @property
    def whole(self) -> bool:
        """Whether all outputs of a row are made at once, so that no sum waits in a memory."""
        return self.at_once == self.repeats > 1

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
        """``at_once`` times ``dot.pe`` outputs of each pixel."""
        lanes = self.pixels * self.at_once * self.dot.pe
        return Lanes.of(output_type(self.post, self.sums), lanes)

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
        return self.dot.vectors * max(self.row_cycles, self.words * self.reads)

    @cached_property
    def order(self) -> Ints:
        """The outputs in the order in which they are made."""
        count = self.sums.channels
        shape = (self.reads, self.at_once, self.words, self.dot.pe)
        found: Ints = np.arange(count).reshape(shape).swapaxes(1, 2).reshape(count)
        return found

    @cached_property
    def core(self) -> PostConfig:
        """What turns sums into outputs, or without the memory what the rows count."""
        x, lead_cycles = self.sums, 0
        raw = RawNumbers.plain(x.channels, x.low, x.high)
        if self.whole:
            assert isinstance(self.dot.post, Affine)
            factors = self.dot.raw.scale_and_offset(self.dot.post)
            a, b = (np.tile(factor, self.repeats)[self.order] for factor in factors)
            raw, lead_cycles = RawNumbers(a, b, self.dot.raw.high), self.dot.distance_stages
        lanes = self.at_once * self.dot.pe
        post = ordered(self.post, self.order)
        return raw.core(post, lanes, self.o.bits, self.pixels, lead_cycles, self.dot.known)

    @property
    def banks(self) -> int:
        """Vectors of sums in the memory: a power of two, and so many that no vector waits for a
        bank.

        A bank is taken with the last beat of a vector's first pass, and is free once it was read.
        """
        busy = self.row_cycles - self.row_cycles // self.words + self.dot.stages
        busy += self.words * self.reads + 1
        wanted = -(-busy // max(self.row_cycles, self.words * self.reads))
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
    def stages(self) -> int:
        """Register stages from an input beat to the output queue, without the memory."""
        return self.dot.stages - self.dot.core.latency + self.core.latency

    @property
    def depth(self) -> int:
        """Beats that the output queue holds: enough for one a cycle, or without the memory for one
        a pass.
        """
        if self.whole:
            return -(-(self.stages + 2) // (self.dot.beats * self.dot.bit_steps))
        return self.core.latency + 3

    def processes(self) -> tuple[Process, ...]:
        """One fills banks with sums, one reads them and gives outputs; or one gives an output with
        the last beat of each pass.
        """
        group = np.full(self.dot.beats * self.dot.bit_steps, WAIT, np.uint8)
        group[self.dot.bit_steps - 1 :: self.dot.bit_steps] = TAKE
        if self.whole:
            group[-1] |= GIVE
            steps = np.tile(group, self.dot.vectors * self.words)
            return (Process("shared rows", steps, self.stages + 1, self.depth, 1),)
        fill = np.tile(group, (self.dot.vectors, self.words, 1))
        fill[:, 0, -1] |= RESERVE
        fill[:, -1, -1] |= PUSH
        read = np.full((self.dot.vectors, self.words * self.reads), WAIT | GIVE, np.uint8)
        read[:, -1] |= POP
        return (
            Process("shared rows", fill.ravel(), self.dot.stages + 1, self.banks, 1),
            Process("shared outputs", read.ravel(), self.core.latency + 2, self.depth, 1),
        )

    def reference(self, beats: Beats) -> Beats:
        """The end's own definition, on the sums repeated."""
        rows = self.dot.reference(beats).reshape(-1, self.words, self.pixels, self.dot.pe)
        rows = rows.swapaxes(1, 2).reshape(-1, self.pixels, 1, self.dot.weights.shape[0])
        sums = np.repeat(rows, self.repeats, axis=2).reshape(len(rows), self.pixels, -1)
        outputs = post_values(self.post, sums)[:, :, self.order]
        beat = outputs.reshape(len(rows), self.pixels, self.reads * self.words, -1)
        return beat.swapaxes(1, 2).reshape(-1, self.o.lanes)

    def cost(self) -> Cost:
        """Estimated cost: rows without their queue, the memory of sums, and their end."""
        if self.whole:
            return self.straight_cost()
        total = rows_cost(self.dot) + self.core.cost
        total += memory_cost(self.dot.o.width, self.banks * self.bank_words, self.memory)
        first = [word == 0 for word in range(self.words)]
        total += counter_cost(self.words, [first]) + counter_cost(self.words) * 2
        total += counter_cost(self.reads) + (level_cost(self.banks) + steps_cost(self.banks)) * 2
        total += luts(8) + registers(self.core.latency + 1)
        return total + credit_queue_cost(self.o.width, self.depth)

    def straight_cost(self) -> Cost:
        """The same without a memory: another end in place of that of the rows."""
        dot, core = self.dot, self.core
        total = rows_cost(dot) - dot.core.cost + core.cost
        total += registers(core.latency - dot.core.latency)
        total += registers((self.o.width - dot.o.width) * dot.distance_stages)
        return total + credit_queue_cost(self.o.width, self.depth)


def ordered(post: PostLayer, order: Ints) -> PostLayer:
    """The same on the outputs in another order."""
    if isinstance(post, Affine):
        return Affine(post.scale[order], post.offset[order])
    return Threshold(post.thresholds[order], post.rising[order], post.encoding)
