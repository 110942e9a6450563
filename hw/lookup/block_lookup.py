"""The block-RAM lookup engine: one word holds the entries of neighbouring output pixels."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

import numpy as np

from subbit.hw.contract.blocks import counter_cost, luts, registers, steps_cost
from subbit.hw.contract.cost import Cost
from subbit.hw.contract.memory import BLOCK_SHAPES, credit_queue_cost, memory_cost
from subbit.hw.contract.unit import Beats, Lanes
from subbit.hw.dot.popcount import PORTABLE
from subbit.hw.families.table import adds_functions
from subbit.hw.lookup.codebook_engine import CodebookEngine
from subbit.hw.lookup.dot9 import Dot9Row
from subbit.hw.lookup.dot9_tables import MAX_COUNTED_TAU, Dot9TablesShape
from subbit.hw.lookup.entry_sum import EntrySumShape
from subbit.hw.post.raw import PostConfig
from subbit.hw.tables.packing import pack_elements
from subbit.hw.tables.rom import RomTable, period, rom_of
from subbit.sw.cycles.model import POP, PUSH, RESERVE, TAKE, WAIT, Process
from subbit.sw.errors import PlanError
from subbit.sw.ir.weights import KERNEL_BITS

__all__ = ["FILLS", "BlockLookupUnit"]

FILLS = ("logic", "block")
LOGIC_TAU = 4  # codewords for indices of more bits are kept in a block RAM


@dataclass(frozen=True, eq=False, kw_only=True)
class BlockLookupUnit(CodebookEngine):
    """``raw[p, o] = sum over channels c of table_c[index[o, c], p]`` for ``pixels`` neighbouring
    output pixels p at once: the lookup PE of Sub-bit Neural Networks with tables in block RAM,
    whose words hold the entries of one codeword for all the pixels, so that one read serves as many
    lookups.

    Input: for each group of ``pixels`` output pixels (``vectors`` a frame) ``cin / dot9`` beats of
    the windows of ``dot9`` channels, lanes of ``bits`` bits (a mask bit on top if ``masked``) in
    the order pixel, channel, row, column. Each of ``ports`` memories holds the tables of
    ``reads_per_output = cin / ports`` channels in two banks. ``dot9`` Dot9 units for each pixel
    fill a bank, a codeword a cycle, while for every output of ``weights`` ``reads_per_output``
    words of each memory are read from the other bank and added up. Output: a beat of ``pixels``
    lanes for each output, after ``post``. Where zeros surround bipolar codes, a masked position
    counts as a match in every second channel: half of those of two channels, exactly what it has
    to.

    ``fill``: ``logic``, Dot9 units that count in carry chains; or ``block``, for inputs of one bit,
    units whose counts stand in block RAM, two of them in one. ``encoding``: of the input codes;
    ``memory``: of the indices (``auto``, ``block``, ``logic``); ``form``: of counters and adders.

    Latency to the first output beat: ``cin / dot9 * 2**tau + reads_per_output + stages`` cycles
    after the group's first window is taken, if those of the other channels follow in time.
    Interval: ``vectors * max(cin / dot9 * 2**tau, cout * reads_per_output)`` cycles, exactly.

    Raises PlanError where ``ports`` does not divide the channels or ``dot9`` the ports, where no
    block RAM holds the counts, and for masks with an odd number of channels.
    """

    component: ClassVar[str] = "subbit.hw.lookup.block_lookup_rtl:BlockLookup"
    pixels: int = 1
    ports: int = 1
    dot9: int = 1
    fill: str = "logic"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.pixels < 1:
            raise PlanError(f"a group has at least one pixel, not {self.pixels}")
        if self.ports < 1 or self.cin % self.ports:
            raise PlanError(f"ports must divide the {self.cin} channels; {self.ports} does not")
        if self.dot9 < 1 or self.ports % self.dot9:
            raise PlanError(
                f"the channels filled at once must divide the {self.ports} ports; "
                f"{self.dot9} does not"
            )
        if self.fill not in FILLS:
            raise PlanError(f"fill must be one of {', '.join(FILLS)}, not {self.fill!r}")
        if self.fill == "block" and (
            self.bits > 1 or (self.tau > MAX_COUNTED_TAU and not self.masked)
        ):
            raise PlanError(
                "counts in block RAM are for inputs of one bit and tau up to "
                f"{MAX_COUNTED_TAU}, not for {self.bits} bits and tau {self.tau}; use fill='logic'"
            )
        if self.doubled:
            raise PlanError(
                f"zero padding around an odd number of channels, {self.cin}, has half counts; "
                "use the engine 'lookup'"
            )

    @property
    def i(self) -> Lanes:
        """Windows of ``dot9`` channels for each pixel."""
        return Lanes(self.pixels * self.dot9 * KERNEL_BITS, self.lane)

    @property
    def o(self) -> Lanes:
        """One output for each pixel."""
        return self.o_lanes(self.pixels)

    @property
    def reads_per_output(self) -> int:
        """Channels whose tables share a memory: reads for an output."""
        return self.cin // self.ports

    @property
    def codes(self) -> int:
        """Codewords."""
        return 1 << self.tau

    @property
    def fills(self) -> int:
        """Cycles to fill a bank of every memory."""
        return self.cin // self.dot9 * self.codes

    @property
    def reads(self) -> int:
        """Cycles to read a bank for every output."""
        return self.cout * self.reads_per_output

    @property
    def interval_cycles(self) -> int:
        """Cycles between two frames when neither neighbour is slower."""
        return self.vectors * max(self.fills, self.reads)

    @property
    def word_bits(self) -> int:
        """Bits of a memory's word."""
        return self.pixels * self.entry_bits

    @property
    def group_bits(self) -> int:
        """Address bits that choose among the tables of a bank."""
        return (self.reads_per_output - 1).bit_length()

    @property
    def words(self) -> int:
        """Words of a memory, both banks."""
        return 2 << (self.group_bits + self.tau)

    @cached_property
    def index_rom(self) -> RomTable:
        """The indices of ``ports`` channels a word: all words of an output, then those of the
        next.
        """
        sets = self.weights.indices.reshape(-1, self.ports).tolist()
        words = [pack_elements(row, self.tau) for row in sets]
        return rom_of(words[: period(words)], self.tau * self.ports, self.memory)

    @cached_property
    def index_roms(self) -> tuple[RomTable, ...]:
        """The same in columns as wide as a block RAM of that depth, so that no choice follows."""
        rom = self.index_rom
        if rom.style != "block":
            return (rom,)
        wide = next((bits for bits, words in BLOCK_SHAPES if words >= rom.depth), 1)
        columns = []
        for at in range(0, rom.width, wide):
            bits = min(wide, rom.width - at)
            columns.append(
                RomTable(tuple(w >> at & ((1 << bits) - 1) for w in rom.words), bits, "block")
            )
        return tuple(columns)

    @property
    def code_rom(self) -> RomTable:
        """The codewords."""
        return replace(self.codeword_rom(1), style="block" if self.tau > LOGIC_TAU else "logic")

    @property
    def code_cycles(self) -> int:
        """Cycles from a step to its codeword."""
        return 2 if self.code_rom.style == "block" else 1

    @property
    def index_cycles(self) -> int:
        """Cycles from a step to its indices."""
        return 2 if self.index_rom.style == "block" else 1

    @cached_property
    def filler(self) -> Dot9Row | Dot9TablesShape:
        """The Dot9 units of a channel. With masks their inputs are matches, found in front of
        them.
        """
        if self.fill == "block":
            return Dot9TablesShape(
                pixels=self.pixels, codewords=self.codewords, matched=self.masked, form=self.form
            )
        return Dot9Row(pixels=self.pixels, bits=self.bits, matched=self.masked, form=self.form)

    @property
    def adder(self) -> EntrySumShape:
        """The sum of one pixel. Chains that add plain bits have no place for a running sum."""
        trees = self.ports > 1 and adds_functions(self.form)
        form = self.form if trees else PORTABLE
        return EntrySumShape(
            count=self.ports,
            bits=self.entry_bits,
            width=self.raw_bits,
            running=self.reads_per_output > 1,
            form=form,
        )

    @property
    def reach(self) -> int:
        """Cycles from a step that fills or reads to the memories: the same for both, so that a bank
        is not read before it is full, nor written before it is read.
        """
        return max(self.code_cycles + self.filler.latency, self.index_cycles)

    @property
    def stages(self) -> int:
        """Register stages from an output's last read to the output queue."""
        return self.reach + 2 + self.adder.latency + self.core.latency

    @property
    def depth(self) -> int:
        """Beats that the output queue holds: enough for one every ``reads_per_output`` cycles."""
        return -(-(self.reads_per_output + self.stages + 1) // self.reads_per_output)

    @cached_property
    def core(self) -> PostConfig:
        """What turns raw numbers into outputs."""
        return self.core_of(1, self.pixels, self.o.bits)

    def processes(self) -> tuple[Process, ...]:
        """One fills banks; one reads them, all words of an output without a pause."""
        beats = self.cin // self.dot9
        fill = np.zeros((self.vectors, beats, self.codes), np.uint8)
        fill[:, :, 0] |= TAKE
        fill[:, 0, 0] |= RESERVE
        fill[:, -1, -1] |= PUSH
        read = np.zeros((self.vectors, self.cout, self.reads_per_output), np.uint8)
        read[:, :, 0] |= RESERVE
        read[:, :, -1] |= PUSH
        read[:, 0, 0] |= WAIT
        read[:, -1, -1] |= POP
        return (
            Process("lookup fill", fill.ravel(), capacity=2, recycle=1),
            Process("lookup read", read.ravel(), self.stages + 1, self.depth, 1),
        )

    def reference(self, beats: Beats) -> Beats:
        """The layers' own definition."""
        groups = beats.reshape(-1, self.cin // self.dot9, self.pixels, self.dot9 * KERNEL_BITS)
        windows = np.moveaxis(groups, 2, 1).reshape(-1, self.weights.row_length)
        results = self.results(windows).reshape(-1, self.pixels, self.cout)
        outputs: Beats = results.swapaxes(1, 2).reshape(-1, self.pixels)
        return outputs

    def cost(self) -> Cost:
        """Estimated cost after mapping."""
        total = (
            self.filler.cost * self.dot9
            + self.code_rom.words_cost
            + self.code_rom.output_register_cost
        )
        if self.masked:
            total += luts(KERNEL_BITS * self.bits * self.pixels * self.dot9)
        words = registers(self.word_bits)
        total += (memory_cost(self.word_bits, self.words, "block") + words) * self.ports
        for rom in self.index_roms:
            total += rom.words_cost + rom.output_register_cost
        total += registers(self.index_rom.width * (self.reach - self.index_cycles))
        total += registers(self.i.width * self.code_cycles)
        total += self.adder.cost * self.pixels + self.core.cost + self.turns_cost()
        return total + credit_queue_cost(self.o.width, self.depth)

    def turns_cost(self) -> Cost:
        """Counters of what is filled and read, and their values on the way to the memories."""
        groups = self.ports // self.dot9
        first = [turn == 0 for turn in range(self.reads_per_output)]
        total = counter_cost(self.reads_per_output, [first]) + counter_cost(self.reads_per_output)
        total += counter_cost(self.cout) + counter_cost(groups) + steps_cost(self.codes)
        place = self.index_rom
        if place.depth != self.reads or 1 << self.group_bits != self.reads_per_output:
            total += place.counter_cost
        write = self.tau + self.group_bits + 1 + (groups - 1).bit_length()
        on_way = write + self.group_bits + 4
        total += registers(on_way * self.reach + self.stages + self.tau * self.code_cycles)
        return total + luts(20 + groups) + Cost(flip_flops=4)
