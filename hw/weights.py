"""Weight sources of the direct engine: plain words, codebook indices, tiles."""

from collections.abc import Sequence

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from subbit.hw.pipe import registered
from subbit.hw.rom import RomSequence, count_steps, table_memory
from subbit.sw.units.source import CodebookSource, PhaseSource, Source, WordSource

__all__ = ["Codewords", "PhasedTile", "Words", "weights_of"]


def ports(source: Source) -> dict[str, wiring.Member]:
    """``step``: a step asks for its weights. ``w``: they are there, ``source.latency`` later."""
    return {"step": In(1), "w": Out(source.rows * source.simd)}


def weights_of(source: Source) -> "Words | Codewords | PhasedTile":
    """The component for a source."""
    if isinstance(source, WordSource):
        return Words(source)
    return Codewords(source) if isinstance(source, CodebookSource) else PhasedTile(source)


def by_position(rows: Sequence[Value]) -> Value:
    """The weights of all rows, bit ``position * rows + row``."""
    return Cat(*(row[at] for at in range(len(rows[0])) for row in rows))


class Words(wiring.Component):
    """Words of one table in order."""

    step: Signal
    w: Signal

    def __init__(self, source: WordSource) -> None:
        self._source = source
        super().__init__(ports(source))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.rom = rom = RomSequence(self._source.rom, self._source.latency)
        m.d.comb += rom.step.eq(self.step)
        word = rom.data
        simd = self._source.simd
        rows = [word[at : at + simd] for at in range(0, len(word), simd)]
        m.d.comb += self.w.eq(by_position(rows))
        return m


class Codewords(wiring.Component):
    """Words of indices in order, each index replaced by its codeword.

    The low bits of an index, as many as a lookup table has inputs, name one codeword for each value
    of the high bits; these choose behind a register, which keeps the mapper from unfolding the
    tables.
    """

    step: Signal
    w: Signal

    def __init__(self, source: CodebookSource) -> None:
        self._source = source
        super().__init__(ports(source))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        source, rows, tau = self._source, self._source.rows, self._source.tau
        m.submodules.rom = rom = RomSequence(source.rom, 1 + (source.rom.style == "block"))
        m.d.comb += rom.step.eq(self.step)
        indices = rom.data
        m.submodules.codewords = codewords = table_memory(source.low_rom)
        found = []
        for field in range(len(indices) // tau):
            index = indices[field * tau : (field + 1) * tau]
            port = codewords.read_port(domain="comb")
            m.d.comb += port.addr.eq(index)
            found.append(self._chosen(m, port.data, index[source.low_bits :]))
        channels = len(found) // rows
        words = (Cat(*found[at : at + channels]) for at in range(0, len(found), channels))
        m.d.comb += self.w.eq(by_position([registered(m, word) for word in words]))
        return m

    def _chosen(self, m: Module, candidates: Value, choice: Value) -> Value:
        """The codeword that the high bits of an index choose among those that its low bits name."""
        if not len(choice):
            return candidates
        kernel = self._source.kernel
        choice, candidates = registered(m, choice), registered(m, candidates)
        words = [candidates[at : at + kernel] for at in range(0, len(candidates), kernel)]
        for bit in choice:
            words = [Mux(bit, *pair) for pair in zip(words[1::2], words[::2], strict=True)]
        return words[0]


class PhasedTile(wiring.Component):
    """A tile with a read port and an address generator for each row: f mod q by counting."""

    step: Signal
    w: Signal

    def __init__(self, source: PhaseSource) -> None:
        self._source = source
        super().__init__(ports(source))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        source, table = self._source, self._source.rom
        if table.style == "const":
            bits = [Const(table.words[0] >> at & 1, 1) for at in range(source.simd)]
            m.d.comb += self.w.eq(Cat(*(bit.replicate(source.rows) for bit in bits)))
            return m
        m.submodules.tile = tile = table_memory(table)
        last = count_steps(m, self.step, source.run) == source.run - 1
        rows = []
        for row, start in enumerate(source.starts):
            addr = Signal(range(table.depth), init=start, name=f"addr{row}")
            ahead = Signal(range(2 * table.depth), name=f"ahead{row}")
            port = tile.read_port()
            with m.If(last):
                m.d.comb += ahead.eq(addr + source.jump)
            with m.Else():
                m.d.comb += ahead.eq(addr + 1)
            with m.If(self.step):
                over = ahead >= table.depth
                m.d.sync += addr.eq(ahead - (over.replicate(len(ahead)) & table.depth))
            m.d.comb += port.addr.eq(addr)
            rows.append(registered(m, port.data, source.latency - 1))
        m.d.comb += self.w.eq(by_position(rows))
        return m
