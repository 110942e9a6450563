"""Weight sources of the direct engine: plain words, codebook indices, tiles, bit planes."""

from collections.abc import Sequence

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from subbit.hw.dot.planes import PlanesSource, WeightSource
from subbit.hw.dot.source import CodebookSource, PhaseSource, WordSource
from subbit.hw.streams.registers_rtl import registered, valid_stages
from subbit.hw.streams.sequence_rtl import count_steps
from subbit.hw.tables.rom_rtl import Rom, RomSequence, table_memory

__all__ = ["Codewords", "PhasedTile", "Planes", "Words", "weights_of"]


def ports(source: WeightSource) -> dict[str, wiring.Member]:
    """``step``: a step asks for its weights. ``w``: they are there, ``source.latency`` later.

    In cycles without ``step`` come the weights of the next step.
    """
    return {"step": In(1), "w": Out(source.planes * source.rows * source.simd)}


def weights_of(source: WeightSource) -> "Planes | Words | Codewords | PhasedTile":
    """The component for a source."""
    if isinstance(source, PlanesSource):
        return Planes(source=source)
    if isinstance(source, WordSource):
        return Words(source=source)
    return (
        Codewords(source=source)
        if isinstance(source, CodebookSource)
        else PhasedTile(source=source)
    )


def by_position(rows: Sequence[Value]) -> Value:
    """The weights of all rows of a plane, bit ``position * rows + row``."""
    return Cat(*(row[at] for at in range(len(rows[0])) for row in rows))


class Planes(wiring.Component):
    """``w`` (out): the weights of several sources, bit ``(plane * simd + position) * rows + row``,
    ``source.latency`` cycles after a ``step`` (in) asked for them; without a step, those of the
    next.

    A circuit for each part; a faster part gets its step later, one of fewer rows is repeated.
    Latency: that of the slowest part. Interval: a step a cycle.
    """

    step: Signal
    w: Signal

    def __init__(self, *, source: PlanesSource) -> None:
        self._source = source
        super().__init__(ports(source))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        source = self._source
        steps = valid_stages(m, self.step, source.latency - 1, "step")
        size = source.rows * source.simd
        for number, (part, places) in enumerate(zip(source.parts, source.places, strict=True)):
            m.submodules[f"part{number}"] = weights = weights_of(part)
            m.d.comb += weights.step.eq(steps[source.latency - part.latency])
            words = [weights.w[at : at + part.rows] for at in range(0, len(weights.w), part.rows)]
            rows = Cat(*(word.replicate(source.rows // part.rows) for word in words))
            for at, place in enumerate(places):
                plane = rows[at * size : (at + 1) * size]
                m.d.comb += self.w[place * size : (place + 1) * size].eq(plane)
        return m


class Words(wiring.Component):
    """``w`` (out): the weights of a step, bit ``(plane * simd + position) * rows + row``,
    ``source.latency`` cycles after a ``step`` (in) asked for them; without a step, those of the
    next.

    The words of one table in order, from a counter. Latency: 1 cycle, 2 from block RAM,
    ``source.lead_cycles`` more in parts. Interval: a step a cycle.
    """

    step: Signal
    w: Signal

    def __init__(self, *, source: WordSource) -> None:
        self._source = source
        super().__init__(ports(source))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        source = self._source
        parts = source.parts.tables if source.parts and source.lead_cycles else ()
        m.submodules.rom = rom = RomSequence(
            table=source.rom, cycles=source.table_cycles, parts=parts
        )
        m.d.comb += rom.step.eq(self.step)
        word, simd, planes = rom.data, source.simd, source.planes
        rows = [word[at : at + simd] for at in range(0, len(word), simd)]
        step = len(rows) // planes
        sets = [rows[at : at + step] for at in range(0, len(rows), step)]
        m.d.comb += self.w.eq(Cat(*map(by_position, sets)))
        return m


class Codewords(wiring.Component):
    """``w`` (out): the weights of a step, bit ``position * rows + row``, ``source.latency`` cycles
    after a ``step`` (in) asked for them; without a step, those of the next.

    Words of indices in order, each index replaced by its codeword. The low bits of an index, as
    many as a lookup table has inputs, name one codeword for each value of the high bits; these
    choose behind a register, which keeps the mapper from unfolding the tables. Latency: 2 cycles, 1
    more for indices in block RAM and 1 more for tau above 4. Interval: a step a cycle.
    """

    step: Signal
    w: Signal

    def __init__(self, *, source: CodebookSource) -> None:
        self._source = source
        super().__init__(ports(source))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        source, rows, bits = self._source, self._source.rows, self._source.field_bits
        m.submodules.rom = rom = RomSequence(
            table=source.rom, cycles=1 + (source.rom.style == "block")
        )
        m.d.comb += rom.step.eq(self.step)
        indices = rom.data
        m.submodules.codewords = codewords = table_memory(source.low_rom)
        codebook = registered(m, self._codebook(m), 1 + (source.rom.style == "block"))
        found = []
        for at in range(0, len(indices), bits):
            index = Cat(indices[at : at + bits], codebook)
            port = codewords.read_port(domain="comb")
            m.d.comb += port.addr.eq(index[: source.low_bits])
            found.append(self._chosen(m, port.data, index[source.low_bits :]))
        channels = len(found) // rows
        words = (Cat(*found[at : at + channels]) for at in range(0, len(found), channels))
        m.d.comb += self.w.eq(by_position([registered(m, word) for word in words]))
        return m

    def _codebook(self, m: Module) -> Value:
        """The number of the codebook that this step uses; no bits where there is but one."""
        source = self._source
        if source.codebooks == 1:
            return Const(0, 0)
        over = count_steps(m, self.step, source.run) == source.run - 1
        return count_steps(m, self.step & over, source.codebooks)

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
    """``w`` (out): the weights of a step, bit ``position * rows + row``, ``source.latency`` cycles
    after a ``step`` (in) asked for them; without a step, those of the next.

    A copy of the tile and an address generator for each row: its address counts from
    ``starts[row]``, jumps after ``run`` words, and wraps at the tile's end. Latency: 1 cycle, 2
    from block RAM. Interval: a step a cycle.
    """

    step: Signal
    w: Signal

    def __init__(self, *, source: PhaseSource) -> None:
        self._source = source
        super().__init__(ports(source))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        source, table = self._source, self._source.rom
        if table.style == "const":
            bits = [Const(table.words[0] >> at & 1, 1) for at in range(source.simd)]
            m.d.comb += self.w.eq(Cat(*(bit.replicate(source.rows) for bit in bits)))
            return m
        last = count_steps(m, self.step, source.run) == source.run - 1
        rows = []
        for row, start in enumerate(source.starts):
            addr = Signal(range(table.depth), init=start, name=f"addr{row}")
            following = Signal(range(2 * table.depth), name=f"following{row}")
            m.submodules[f"tile{row}"] = tile = Rom(table=table, cycles=source.latency)
            with m.If(last):
                m.d.comb += following.eq(addr + source.jump)
            with m.Else():
                m.d.comb += following.eq(addr + 1)
            with m.If(self.step):
                over = following >= table.depth
                m.d.sync += addr.eq(following - (over.replicate(len(following)) & table.depth))
            m.d.comb += tile.addr.eq(addr)
            rows.append(tile.data)
        m.d.comb += self.w.eq(by_position(rows))
        return m
