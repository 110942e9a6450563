"""The lookup engine: every output channel reads the dot product of its codeword from a table."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from subbit.hw.contract.blocks import (
    adder_cost,
    choice_cost,
    choice_luts,
    counter_cost,
    luts,
    registers,
)
from subbit.hw.contract.cost import Cost
from subbit.hw.contract.memory import credit_queue_cost, delay_cost, lut_ram
from subbit.hw.contract.unit import Beats, Lanes
from subbit.hw.lookup.codebook_engine import CodebookEngine
from subbit.hw.post.raw import PostConfig
from subbit.hw.tables.packing import pack_elements
from subbit.hw.tables.rom import RomTable, period, rom_of
from subbit.sw.cycles.model import GIVE, POP, PUSH, RESERVE, TAKE, WAIT, Process
from subbit.sw.errors import PlanError
from subbit.sw.ir.weights import KERNEL_BITS

__all__ = ["LookupUnit"]


@dataclass(frozen=True, eq=False, kw_only=True)
class LookupUnit(CodebookEngine):
    """Sub-bit Neural Networks' engine (Wang et al., ICCV 2021, lookup PE), one window of one
    channel at a time: ``raw[o] = sum over channels c of table_c[index[o, c]]`` with ``table_c[k]``
    the count of matches of channel c's window with codeword k.

    Input: for each output pixel (``vectors`` a frame) and each channel a beat of nine lanes of
    ``bits`` bits, a mask bit on top if ``masked``. ``dot9`` Dot9 units fill one bank of a table of
    ``2**tau`` entries while ``lanes`` read ports, addressed by the indices of ``weights``, serve as
    many accumulators from the other bank; partial sums wait in a memory, a word of ``lanes`` for
    each of the ``cout / lanes`` groups. Output: with the last channel, group g gives a beat of the
    outputs ``g*lanes .. g*lanes + lanes - 1`` after ``post``. ``encoding``: of the input codes;
    ``memory``: of the indices (``auto``, ``block``, ``logic``); ``form``: of the counters.

    Latency to the first output beat: ``2**tau / dot9 + stages + 1`` cycles after the last channel's
    window is taken, if reading keeps up with filling. Interval:
    ``vectors * cin * max(2**tau / dot9, cout / lanes)`` cycles, exactly.

    Raises PlanError where ``lanes`` does not divide the outputs or ``dot9`` the codewords, and
    where the settings do not fit the weights.
    """

    component: ClassVar[str] = "subbit.hw.lookup.lookup_rtl:Lookup"
    lanes: int = 1
    dot9: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.lanes < 1 or self.cout % self.lanes:
            raise PlanError(f"lanes must divide the {self.cout} outputs; {self.lanes} does not")
        if self.dot9 < 1 or (1 << self.tau) % self.dot9:
            raise PlanError(
                f"the Dot9 units must divide the {1 << self.tau} codewords; {self.dot9} does not"
            )

    @property
    def i(self) -> Lanes:
        """The window of one channel: nine codes, each with its mask bit on top if there are
        masks.
        """
        return Lanes(KERNEL_BITS, self.lane)

    @property
    def o(self) -> Lanes:
        """``lanes`` outputs."""
        return self.o_lanes(self.lanes)

    @property
    def fills(self) -> int:
        """Cycles to fill a bank."""
        return (1 << self.tau) // self.dot9

    @property
    def reads(self) -> int:
        """Cycles to read a bank for every output."""
        return self.cout // self.lanes

    @property
    def interval_cycles(self) -> int:
        """Cycles between two frames when neither neighbour is slower."""
        return self.vectors * self.cin * max(self.fills, self.reads)

    @cached_property
    def index_rom(self) -> RomTable:
        """The indices of ``lanes`` outputs a word, group by group, then channel by channel."""
        sets = self.weights.indices.T.reshape(-1, self.lanes).tolist()
        words = [pack_elements(row, self.tau) for row in sets]
        return rom_of(words[: period(words)], self.tau * self.lanes, self.memory)

    @property
    def index_cycles(self) -> int:
        """Cycles from a step to its indices."""
        return 2 if self.index_rom.style == "block" else 1

    @property
    def reach(self) -> int:
        """Cycles from a step that fills or reads to the memory of the table: the same for both, so
        that a bank is not read before it is full, nor written before it is read.
        """
        return max(1 + self.popcount.latency, self.index_cycles)

    @property
    def stages(self) -> int:
        """Register stages from a read to the output queue: entry, sum, and what follows."""
        return self.reach + 2 + self.core.latency

    @property
    def depth(self) -> int:
        """Beats that the output queue holds: enough for one a cycle while a bank is read."""
        pixel = self.cin * max(self.fills, self.reads)
        return min(self.stages + 2, self.reads * -(-(self.stages + 2) // pixel))

    @cached_property
    def core(self) -> PostConfig:
        """What turns raw numbers into outputs."""
        return self.core_of(self.lanes, 1, self.o.bits)

    def processes(self) -> tuple[Process, ...]:
        """One fills banks, from a window each; one reads them, and gives with the last channel."""
        fill = np.zeros((self.vectors * self.cin, self.fills), np.uint8)
        fill[:, 0] |= TAKE | RESERVE
        fill[:, -1] |= PUSH
        read = np.full((self.vectors, self.cin, self.reads), WAIT, np.uint8)
        read[:, :, -1] |= POP
        read[:, -1] |= GIVE
        return (
            Process("lookup fill", fill.ravel(), capacity=2, recycle=1),
            Process("lookup read", read.ravel(), self.stages + 1, self.depth, 1),
        )

    def reference(self, beats: Beats) -> Beats:
        """The layers' own definition."""
        return self.results(beats.reshape(-1, self.weights.row_length)).reshape(-1, self.lanes)

    def cost(self) -> Cost:
        """Estimated cost after mapping."""
        total = self.popcount.cost * self.dot9 + self.codeword_rom(self.dot9).cost
        total += registers(self.dot9 * self.entry_bits * (self.reach - 1 - self.popcount.latency))
        total += self.index_rom.cost + self.index_rom.output_register_cost + registers(self.i.width)
        total += registers(self.index_rom.width * (self.reach - self.index_cycles))
        total += self.tables_cost() + self.sums_cost() + self.core.cost
        begin = [k == 0 for k in range(self.fills)]
        first = [channel == 0 for channel in range(self.cin)]
        total += counter_cost(self.fills, [begin]) + counter_cost(self.fills)
        total += counter_cost(self.reads) + counter_cost(self.cin, [first])
        stages = registers(4 * self.reach + 2 + self.stages)
        total += stages + luts(16) + Cost(flip_flops=4)
        return total + credit_queue_cost(self.o.width, self.depth)

    def tables_cost(self) -> Cost:
        """A memory for each lane to read each Dot9 unit's entries, and a choice among these; where
        there is no LUT RAM, one of registers for all lanes.
        """
        bits, words = self.lanes * self.entry_bits, 2 * self.fills
        ports = lut_ram(self.entry_bits, words)
        read = choice_luts(words) * bits * self.dot9
        kept = self.entry_bits * words * self.dot9
        every = self.lanes * self.dot9 * ports
        more = kept + read + words * self.dot9 - every
        store = Cost(every, more_lut4=more, more_flip_flops=kept)
        return store + choice_cost(self.dot9, bits) + Cost(flip_flops=bits)

    def sums_cost(self) -> Cost:
        """A memory of partial sums, adders behind a choice of what they begin with, and registers
        of the sums; with masks what zero padding adds.
        """
        bits = self.raw_bits
        total = (adder_cost(bits) + luts(bits) + registers(bits)) * self.lanes
        total += delay_cost(self.lanes * bits, self.reads)
        if self.masked:
            total += luts(bits + 6) + registers(4 * self.reach + 4)
        return total
