"""The lookup engine: Dot9 units that fill tables, accumulators that read them."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from subbit.hw.dot.popcount_rtl import PopcountXnor
from subbit.hw.lookup.codebook_engine import CodebookEngine
from subbit.hw.lookup.lookup import LookupUnit
from subbit.hw.post.core_rtl import core_of
from subbit.hw.streams.credit_rtl import CreditQueue
from subbit.hw.streams.delay_rtl import DelayLine
from subbit.hw.streams.ram_rtl import ram
from subbit.hw.streams.registers_rtl import registered, valid_stages
from subbit.hw.streams.sequence_rtl import Counter
from subbit.hw.streams.shapes_rtl import stream_of
from subbit.hw.tables.rom_rtl import RomSequence

__all__ = ["Lookup", "edges_of", "padding_raw"]


def edges_of(window: Value, lane: int) -> Value:
    """Whether the rows above and below and the columns left and right of a window's middle are
    inside the tensor; the middle always is. ``lane``: bits of a lane, its mask bit on top.
    """
    return Cat(window[(at + 1) * lane - 1] for at in (1, 7, 3, 5))


def padding_raw(m: Module, unit: CodebookEngine, edges: Value) -> Signal:
    """What the masked positions of a window with those edges add to its raw number."""
    begin = Signal(unit.raw_bits)
    with m.Switch(edges):
        for code in range(16):
            rows, columns = 1 + (code & 3).bit_count(), 1 + (code >> 2).bit_count()
            with m.Case(code):
                m.d.comb += begin.eq(unit.begin(rows, columns))
    return begin


class Lookup(wiring.Component):
    """``o[l] = post(sum over channels c of table_c[index[o, c]])``: ``i`` gives the window of one
    channel a beat, nine codes with their mask bits if there are masks, and ``o`` with the last
    channel of a pixel ``unit.lanes`` outputs a beat, as codes or two's complement integers.

    ``unit.dot9`` Dot9 units fill a bank of tables in LUT RAM, a port for each of ``unit.lanes``
    accumulators reads the other bank, and a delay line holds partial sums. Latency to a pixel's
    first output: ``2**tau / dot9 + stages + 1`` cycles after its last window, if reading keeps up.
    Interval: ``cin * max(2**tau / dot9, cout / lanes)`` cycles a pixel. ``collision`` is high if a
    bank is written while it is read, or a partial sum, which never happens.

    Two cycles to fill a bank, three to read it, three channels (a, b, c, then d of the next pixel),
    ``stages`` 7; a and c are in one bank, b and d in the other::

        cycle      0   1   2   3   4   5   6   7   8   9  10  ..  16  17  18
        i          a   .   b   .   .   c   .   .   d
        fill       a   a   b   b   .   c   c   .   d   d
        read       .   .   a   a   a   b   b   b   c   c   c
        o                                                         o0  o1  o2
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self, *, unit: LookupUnit) -> None:
        self._unit = unit
        self.collision = Signal()
        super().__init__({"i": In(stream_of(unit.i)), "o": Out(stream_of(unit.o))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        unit = self._unit
        m.submodules.queue = queue = CreditQueue(lanes=unit.o, depth=unit.depth)
        m.submodules.fills = fills = Counter(
            length=unit.fills, tables=[[k == 0 for k in range(unit.fills)]]
        )
        ends = [[c == 0 for c in range(unit.cin)]]
        m.submodules.reads = reads = Counter(length=unit.reads)
        m.submodules.channels = channels = Counter(length=unit.cin, tables=ends)
        whole = Signal(range(3))  # banks that are full
        free = whole != 2
        fill, read = Signal(), Signal()
        m.d.comb += [
            self.i.ready.eq(fills.flags[0] & free),
            fill.eq(~fills.flags[0] | (self.i.valid & free)),
            read.eq((whole != 0) & (queue.room | ~channels.last)),
            fills.step.eq(fill),
            reads.step.eq(read),
            channels.step.eq(read & reads.last),
            queue.issue.eq(read & channels.last),
        ]
        m.d.sync += whole.eq(whole + (fill & fills.last) - (read & reads.last))
        read_bank = Signal()
        m.d.sync += read_bank.eq(read_bank ^ (read & reads.last))

        written = valid_stages(m, fill, unit.reach, "written")[-1]
        done = valid_stages(m, read, unit.reach + 1, "read")
        first = registered(m, channels.flags[0], unit.reach + 1)
        gives = valid_stages(m, read & channels.last, unit.stages, "gives")
        bank = registered(m, read_bank, unit.reach)
        window = Signal(unit.i.width, reset_less=True)
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += window.eq(self.i.payload.as_value())
        write_bank, entries = self._tables(m, fill, written, window, read, bank)
        begin = self._begin(m, window, written, write_bank, registered(m, bank))
        totals, collision = self._sums(m, done[-1], first, begin, entries)
        m.d.comb += self.collision.eq(
            collision | (written & done[unit.reach] & (write_bank == bank))
        )
        m.submodules.core = core = core_of(unit.core, unit.raw_bits)
        m.d.comb += core.step.eq(gives[unit.reach + 1])
        for lane, total in enumerate(totals):
            m.d.comb += core.x[lane].eq(total)
        m.d.comb += [queue.push.eq(gives[-1]), queue.data.as_value().eq(core.y.as_value())]
        wiring.connect(m, queue.o, wiring.flipped(self.o))
        return m

    def _tables(
        self, m: Module, fill: Signal, written: Value, window: Signal, read: Signal, bank: Value
    ) -> tuple[Signal, list[Value]]:
        """The bank being written, and each lane's entry, ``reach + 1`` cycles after ``read``."""
        unit = self._unit
        m.submodules.codewords = codewords = RomSequence(table=unit.codeword_rom(unit.dot9))
        m.submodules.indices = indices = RomSequence(table=unit.index_rom, cycles=unit.index_cycles)
        m.submodules.rows = rows = Counter(length=unit.fills)
        write_bank = Signal()
        m.d.comb += [codewords.step.eq(fill), indices.step.eq(read), rows.step.eq(written)]
        m.d.sync += write_bank.eq(write_bank ^ (written & rows.last))
        addresses = registered(m, indices.data, unit.reach - unit.index_cycles)
        row_bits = (unit.fills - 1).bit_length()
        found: list[list[Value]] = [[] for _ in range(unit.lanes)]
        for at in range(unit.dot9):
            m.submodules[f"dot9_{at}"] = dot9 = PopcountXnor(shape=unit.popcount)
            m.submodules[f"table{at}"] = table = ram(unit.entry_bits, 2 * unit.fills, "distributed")
            write = table.write_port()
            size = len(dot9.w)
            m.d.comb += [
                dot9.x.eq(window),
                dot9.w.eq(codewords.data[at * size : (at + 1) * size]),
                write.addr.eq(Cat(rows.count[:row_bits], write_bank)),
                write.data.eq(registered(m, dot9.count, unit.reach - 1 - unit.popcount.latency)),
                write.en.eq(written),
            ]
            for lane, entries in enumerate(found):
                index = addresses[lane * unit.tau : (lane + 1) * unit.tau]
                port = table.read_port(domain="comb")
                m.d.comb += port.addr.eq(Cat(index[unit.tau - row_bits :], bank))
                entries.append(port.data)
        chosen = []
        for lane, entries in enumerate(found):
            index = addresses[lane * unit.tau : (lane + 1) * unit.tau]
            for bit in index[: unit.tau - row_bits]:
                pairs = zip(entries[1::2], entries[::2], strict=True)
                entries = [Mux(bit, odd, even) for odd, even in pairs]
            chosen.append(registered(m, entries[0]))
        return write_bank, chosen

    def _begin(
        self, m: Module, window: Signal, written: Value, write_bank: Signal, bank: Value
    ) -> Value | None:
        """What a pixel's sums begin with, for the bank being read."""
        unit = self._unit
        if not unit.masked:
            return None
        edges = registered(m, edges_of(window, unit.lane), unit.reach - 1)
        banks = [Signal(4, name=f"edges{at}", reset_less=True) for at in range(2)]
        for at, store in enumerate(banks):
            with m.If(written & (write_bank == at)):
                m.d.sync += store.eq(edges)
        return padding_raw(m, unit, Mux(bank, banks[1], banks[0]))

    def _sums(
        self, m: Module, step: Value, first: Value, begin: Value | None, entries: list[Value]
    ) -> tuple[list[Value], Value]:
        """Sums over the channels so far, the cycle after ``step``; and a collision in the memory of
        partial sums.
        """
        unit, bits = self._unit, self._unit.raw_bits
        m.submodules.sums = sums = DelayLine(width=unit.lanes * bits, depth=unit.reads)
        totals: list[Value] = []
        for lane, entry in enumerate(entries):
            before = sums.q[lane * bits : (lane + 1) * bits]
            start = Mux(first, 0 if begin is None else begin, before)
            totals.append((start + (entry << unit.doubled))[:bits])
        m.d.comb += [sums.d.eq(Cat(*totals)), sums.step.eq(step)]
        return [registered(m, total) for total in totals], sums.collision
