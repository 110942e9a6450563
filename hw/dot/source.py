"""Weight sources: in which memory a dot engine finds the weights of each step.

A step multiplies ``simd`` positions with the weights of ``rows`` outputs. Steps go through the
words of a row, then through the passes, then start again. In a stored word each row's weights lie
side by side, so that a block RAM serves the adders of a row or two and is placed next to them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import gcd
from typing import ClassVar

import numpy as np

from subbit.hw.contract.blocks import choice_cost, lut_rom_luts, luts, registers, steps_cost
from subbit.hw.contract.cost import Cost
from subbit.hw.contract.limits import SizeLimits
from subbit.hw.tables.packing import pack_rows
from subbit.hw.tables.parts import TableParts
from subbit.hw.tables.rom import RomTable, period, rom_of
from subbit.sw.errors import PlanError
from subbit.sw.ir.arrays import Bits, Ints
from subbit.sw.ir.weights import BinaryWeights, CodebookWeights, TiledWeights, Weights

__all__ = ["CodebookSource", "PhaseSource", "Source", "WordSource", "source_of"]


@dataclass(frozen=True, eq=False, kw_only=True)
class WordSource:
    """One table of whole weight words, read one after another: plain weights, or a tile.

    ``rows``: distinct outputs that a step of ``simd`` positions computes; PE lane j takes row
    ``j % rows``. ``rom``: bit ``(plane * rows + row) * simd + position`` of a word is a weight;
    ``planes``: bit planes side by side. ``limits``: those of the part, in a large engine, whose
    table stands in parts with addresses of their own where it is large itself; None in other
    engines. Latency: 1 cycle, 2 from block RAM, ``lead_cycles`` more in parts.
    """

    rows: int
    simd: int
    rom: RomTable
    planes: int = 1
    limits: SizeLimits | None = None

    @property
    def constant(self) -> bool:
        """Whether the weights are wires."""
        return self.rom.style == "const"

    @property
    def parts(self) -> TableParts | None:
        """The table in parts, of a large engine."""
        return TableParts(self.rom, self.limits) if self.limits else None

    @property
    def lead_cycles(self) -> int:
        """Registers between a step and a table in parts."""
        return self.parts.lead_cycles if self.parts else 0

    @property
    def registers(self) -> int:
        """Flip-flops, estimated, of a register behind the weights."""
        return self.parts.registers if self.parts else self.rom.width

    @property
    def table_cycles(self) -> int:
        """Cycles to read the table: one, and one for the register behind a block RAM."""
        return 2 if self.rom.style == "block" else 1

    @property
    def latency(self) -> int:
        """Cycles from a step to its weights."""
        return self.lead_cycles + self.table_cycles

    @property
    def cost(self) -> Cost:
        """Estimated cost after mapping."""
        table = self.parts.cost if self.parts else self.rom.cost
        return table + self.rom.output_register_cost


@dataclass(frozen=True, eq=False, kw_only=True)
class CodebookSource:
    """A table of indices, and behind it a table of codewords for each kernel of a word: the
    compressed weights of Sub-bit Neural Networks (Wang et al., ICCV 2021), decoded.

    ``rows`` outputs and ``simd`` positions a step. ``rom``: index words; field
    ``row * channels + channel`` of ``field_bits``. ``codewords``: ``(2**tau, k*k)`` bits, in logic.
    Where ``codebooks`` codebooks are used in turn, each for ``run`` words, the number of the
    codebook is the high bits of an index. Latency: 2 cycles, 1 more for indices in block RAM and 1
    more for tau above 4.
    """

    planes: ClassVar[int] = 1
    rows: int
    simd: int
    rom: RomTable
    codewords: Bits
    codebooks: int = 1
    run: int = 1

    @property
    def constant(self) -> bool:
        """Whether the weights are wires."""
        return self.rom.style == "const"

    @property
    def tau(self) -> int:
        """Bits of an index."""
        return len(self.codewords).bit_length() - 1

    @property
    def field_bits(self) -> int:
        """Bits of an index that are stored."""
        return self.tau - (self.codebooks - 1).bit_length()

    @property
    def kernel(self) -> int:
        """Bits of a codeword."""
        return int(self.codewords.shape[1])

    @property
    def low_bits(self) -> int:
        """Bits of an index that look codewords up; the others choose one of those found."""
        return min(self.tau, 4)

    @property
    def low_rom(self) -> RomTable:
        """For each value of the low bits the codewords it may name, that of high bits 0 lowest."""
        candidates = self.codewords.reshape(-1, 1 << self.low_bits, self.kernel).transpose(1, 0, 2)
        words = pack_rows(candidates.reshape(1 << self.low_bits, -1))
        return RomTable(tuple(words), self.kernel << (self.tau - self.low_bits), "logic")

    @property
    def latency(self) -> int:
        """Cycles from a step to its weights: the indices', and those of the codewords."""
        return 1 + (self.rom.style == "block") + 1 + (self.tau > self.low_bits)

    @property
    def cost(self) -> Cost:
        """Estimated cost after mapping."""
        bits, tables = self.rows * self.simd, 1 << (self.tau - self.low_bits)
        decoder = (luts(tables) + Cost(flip_flops=tables)) * bits
        if tables > 1:
            high = registers((self.tau - self.low_bits) * (bits // self.kernel))
            decoder += choice_cost(tables, bits) + Cost(flip_flops=bits) + high
        total = self.rom.cost + self.rom.output_register_cost + decoder
        if self.codebooks > 1:
            turn = registers((1 + (self.rom.style == "block")) * (self.tau - self.field_bits))
            total += steps_cost(self.run) + steps_cost(self.codebooks) + turn + luts(2)
        return total


@dataclass(frozen=True, eq=False, kw_only=True)
class PhaseSource:
    """One tile of Tiled Bit Networks that each row reads from its own place: weight f is
    ``tile[f mod q]``, by counting.

    ``rows`` read ports with address generators, ``simd`` positions a step. ``rom``: the tile in
    words of ``simd`` bits. Row j starts at word ``starts[j]``, reads ``run`` words in order and
    then adds ``jump``, all modulo the number of words, without division. A memory with r read ports
    takes r copies of the tile. Latency: 1 cycle, 2 from block RAM.
    """

    planes: ClassVar[int] = 1
    rows: int
    simd: int
    rom: RomTable
    starts: tuple[int, ...]
    run: int
    jump: int

    @property
    def constant(self) -> bool:
        """Whether the weights are wires."""
        return self.rom.style == "const"

    @property
    def latency(self) -> int:
        """Cycles from a step to its weights, as WordSource."""
        return 2 if self.rom.style == "block" else 1

    @property
    def cost(self) -> Cost:
        """Estimated cost after mapping."""
        if self.constant:
            return Cost()
        bits = (self.rom.depth - 1).bit_length()
        address = luts(4 * bits) + Cost(flip_flops=bits)
        each = self.rom.words_cost + self.rom.output_register_cost + address
        return each * self.rows + steps_cost(self.run) + luts(1)


Source = WordSource | CodebookSource | PhaseSource


def source_of(weights: Weights, pe: int, simd: int, memory: str) -> Source:
    """The source of those weights for ``pe`` outputs and ``simd`` positions a step.

    Raises PlanError where the two do not fit the encoding.
    """
    return SOURCES[type(weights)](weights, pe, simd, memory)


def decoder_luts(tau: int) -> int:
    """Lookup tables for a bit of a codeword: a table for each value of the high bits, a choice."""
    tables = 1 << max(tau - 4, 0)
    return tables + -(-2 * (tables - 1) // 3)


def step_bits(bits: Ints | Bits, pe: int, simd: int) -> list[int]:
    """Weight words of every step for ``bits (outputs, N)``."""
    words = bits.reshape(len(bits) // pe, pe, -1, simd).transpose(0, 2, 1, 3)
    return pack_rows(words.reshape(-1, simd * pe))


def plain(weights: Weights, pe: int, simd: int, memory: str) -> WordSource:
    """All weights, dense, one word a step."""
    bits = (weights.dense() > 0).astype(np.uint8).reshape(weights.shape[0], -1)
    words = step_bits(bits, pe, simd)
    return WordSource(rows=pe, simd=simd, rom=rom_of(words[: period(words)], pe * simd, memory))


def codebook(weights: Weights, pe: int, simd: int, memory: str) -> Source:
    """Indices and codewords, or dense words where those are cheaper in logic."""
    assert isinstance(weights, CodebookWeights)
    kernel = weights.codewords[0].size
    if simd % kernel:
        raise PlanError(
            f"codebook weights come in whole kernels: SIMD must be a multiple of {kernel}, "
            f"and {simd} is not"
        )
    words = index_words(weights, pe, simd)
    rom = rom_of(words[: period(words)], simd // kernel * pe * weights.tau, memory)
    if better_dense(rom, kernel, weights.tau):
        return plain(weights, pe, simd, "logic")
    return CodebookSource(
        rows=pe, simd=simd, rom=rom, codewords=weights.codewords.reshape(-1, kernel)
    )


def index_words(weights: CodebookWeights, pe: int, simd: int) -> list[int]:
    """The indices of every step as a word."""
    channels = simd // weights.codewords[0].size
    fields = weights.indices.reshape(len(weights.indices) // pe, pe, -1, channels)
    sets = fields.transpose(0, 2, 1, 3).reshape(-1, channels * pe)
    return pack_rows((sets[:, :, None] >> np.arange(weights.tau) & 1).reshape(len(sets), -1))


def better_dense(rom: RomTable, kernel: int, tau: int) -> bool:
    """Whether weights in logic take less than such indices and their decoders."""
    decode = kernel * decoder_luts(tau) + tau * lut_rom_luts(rom.depth)
    dense = kernel * lut_rom_luts(rom.depth)
    return rom.style == "const" or (rom.style == "logic" and dense <= decode)


def tiled(weights: Weights, pe: int, simd: int, memory: str) -> Source:
    """The tile once: as words for all rows where their words coincide, else with a read port for
    each row.
    """
    assert isinstance(weights, TiledWeights)
    q = weights.tile.size
    if q % simd:
        raise PlanError(
            f"a tile is read in whole words: SIMD must divide its {q} bits, and {simd} does not"
        )
    length, tile_words = weights.row_length, q // simd
    run = length // simd
    distinct = tile_words // gcd(tile_words, run)
    crossing = weights.scaled and q % length
    rows = distinct if pe % distinct == 0 and not crossing else pe
    if rows == 1 or (weights.rows_shared and distinct % rows == 0):
        unrolled = np.tile(weights.tile, rows * length // gcd(rows * length, q))
        words = step_bits(unrolled.astype(np.int64).reshape(-1, length), rows, simd)
        return WordSource(
            rows=rows, simd=simd, rom=rom_of(words[: period(words)], rows * simd, memory)
        )
    words = pack_rows(weights.tile.reshape(-1, simd))
    starts = tuple(row * run % tile_words for row in range(rows))
    jump = (1 + (rows - 1) * run) % tile_words
    return PhaseSource(
        rows=rows, simd=simd, rom=rom_of(words, simd, memory), starts=starts, run=run, jump=jump
    )


SOURCES: dict[type[Weights], Callable[[Weights, int, int, str], Source]] = {
    BinaryWeights: plain,
    CodebookWeights: codebook,
    TiledWeights: tiled,
}
