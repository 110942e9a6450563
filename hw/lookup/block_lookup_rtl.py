"""The block-RAM lookup engine: tables of several pixels in a word, compressor trees behind them."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from subbit.hw.lookup.block_lookup import BlockLookupUnit
from subbit.hw.lookup.dot9 import Dot9Row
from subbit.hw.lookup.dot9_rtl import Dot9s
from subbit.hw.lookup.dot9_tables_rtl import Dot9Tables
from subbit.hw.lookup.entry_sum_rtl import EntrySum
from subbit.hw.post.core_rtl import core_of
from subbit.hw.streams.credit_rtl import CreditQueue
from subbit.hw.streams.ram_rtl import ram
from subbit.hw.streams.registers_rtl import registered, valid_stages
from subbit.hw.streams.sequence_rtl import Counter
from subbit.hw.streams.shapes_rtl import stream_of
from subbit.hw.tables.rom_rtl import Rom, RomSequence
from subbit.sw.ir.weights import KERNEL_BITS

__all__ = ["BlockLookup"]


class BlockLookup(wiring.Component):
    """``o[p] = post(sum over channels c of table_c[index[o, c], p])``: ``i`` gives the windows of
    ``unit.dot9`` channels of ``unit.pixels`` pixels a beat, lanes in the order pixel, channel, row,
    column; ``o`` gives one output of each pixel a beat.

    Dot9 units fill one bank of ``unit.ports`` block RAMs, ``2**tau`` cycles a beat; the indices of
    each output read the other bank, ``unit.reads_per_output`` words of each memory, and an adder
    tree for each pixel adds them up. Latency to a group's first output:
    ``cin / dot9 * 2**tau + reads_per_output + stages`` cycles after its first window. Interval:
    ``max(cin / dot9 * 2**tau, cout * reads_per_output)`` cycles a group. ``collision`` is high if a
    bank is written while it is read, which never happens.

    Four codewords, two channels (a, b) in one memory, four outputs, ``stages`` 8::

        cycle      0   1   2   3   4   5   6   7   8   9  10  11  ..  18  19  20
        i          a   .   .   .   b   .   .   .   c   .   .   .
        fill       a   a   a   a   b   b   b   b   c   c   c   c         one bank, then the other
        read       .   .   .   .   .   .   .   .   a   b   a   b         for o0, then for o1
        o                                                             o0   .  o1
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self, *, unit: BlockLookupUnit) -> None:
        self._unit = unit
        self.collision = Signal()
        super().__init__({"i": In(stream_of(unit.i)), "o": Out(stream_of(unit.o))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        unit = self._unit
        m.submodules.queue = queue = CreditQueue(lanes=unit.o, depth=unit.depth)
        m.submodules.slots = slots = Counter(
            length=unit.reads_per_output, tables=[[k == 0 for k in range(unit.reads_per_output)]]
        )
        m.submodules.outputs = outputs = Counter(length=unit.cout)
        m.submodules.groups = groups = Counter(length=unit.ports // unit.dot9)
        m.submodules.filled_group = filled_group = Counter(length=unit.reads_per_output)
        code = Signal(unit.tau)
        whole = Signal(range(3))  # banks that are full
        takes = code == 0
        begins = (groups.count == 0) & (filled_group.count == 0)
        free = (whole != 2) | ~begins
        fill, read, read_bank, fill_bank = Signal(), Signal(), Signal(), Signal()
        filled, emptied = Signal(), Signal()
        m.d.comb += [
            self.i.ready.eq(takes & free),
            fill.eq(~takes | (self.i.valid & free)),
            read.eq(~slots.flags[0] | ((whole != 0) & queue.room)),
            groups.step.eq(fill & code.all()),
            filled_group.step.eq(groups.step & groups.last),
            slots.step.eq(read),
            outputs.step.eq(read & slots.last),
            filled.eq(filled_group.step & filled_group.last),
            emptied.eq(outputs.step & outputs.last),
            queue.issue.eq(read & slots.flags[0]),
        ]
        m.d.sync += [whole.eq(whole + filled - emptied), code.eq(code + fill)]
        m.d.sync += [read_bank.eq(read_bank ^ emptied), fill_bank.eq(fill_bank ^ filled)]

        written = valid_stages(m, fill, unit.reach, "written")[-1]
        done = valid_stages(m, read, unit.reach, "read")[-1]
        gives = valid_stages(m, read & slots.last, unit.stages, "gives")
        bank = registered(m, read_bank, unit.reach)
        filled_slot = filled_group.count[: unit.group_bits]
        address = registered(m, Cat(code, filled_slot, fill_bank), unit.reach)
        group = registered(m, groups.count, unit.reach)
        place = Cat(slots.count[: unit.group_bits], outputs.count)
        tables = self._tables(
            m,
            [written & (group == at) for at in range(unit.ports // unit.dot9)],
            address,
            self._entries(m, code),
            registered(m, self._indices(m, read, place), unit.reach - unit.index_cycles),
            Cat(registered(m, slots.count, unit.reach)[: unit.group_bits], bank),
        )
        first = registered(m, slots.flags[0], unit.reach + 2)
        m.submodules.core = core = core_of(unit.core, unit.raw_bits)
        for pixel in range(unit.pixels):
            m.submodules[f"sum{pixel}"] = adder = EntrySum(shape=unit.adder)
            at = pixel * unit.entry_bits
            m.d.comb += [
                adder.x.eq(Cat(*(table[at : at + unit.entry_bits] for table in tables))),
                adder.first.eq(first),
                core.x[pixel].eq(adder.total),
            ]
        m.d.comb += [
            self.collision.eq(written & done & (address[-1] == bank)),
            core.step.eq(gives[unit.reach + 1 + unit.adder.latency]),
            queue.push.eq(gives[-1]),
            queue.data.as_value().eq(core.y.as_value()),
        ]
        wiring.connect(m, queue.o, wiring.flipped(self.o))
        return m

    def _tables(
        self, m: Module, written: list[Value], address: Value, words: list[Value], *read: Value
    ) -> list[Value]:
        """What the ports read, two cycles after the indices; ``read``: these, and slot and bank."""
        unit = self._unit
        index, table_of = read
        found = []
        for port in range(unit.ports):
            m.submodules[f"table{port}"] = table = ram(unit.word_bits, unit.words, "block")
            write, reader = table.write_port(), table.read_port()
            m.d.comb += [
                write.addr.eq(address),
                write.data.eq(words[port % unit.dot9]),
                write.en.eq(written[port // unit.dot9]),
                reader.addr.eq(Cat(index[port * unit.tau : (port + 1) * unit.tau], table_of)),
            ]
            found.append(registered(m, reader.data))
        return found

    def _indices(self, m: Module, read: Signal, place: Value) -> Value:
        """The indices of a step, for all ports; ``place``: slot and output."""
        unit, table = self._unit, self._unit.index_rom
        if table.depth == unit.reads and 1 << unit.group_bits == unit.reads_per_output:
            roms = [Rom(table=column, cycles=unit.index_cycles) for column in unit.index_roms]
            for at, rom in enumerate(roms):
                m.submodules[f"indices{at}"] = rom
                m.d.comb += rom.addr.eq(place)
            return Cat(*(rom.data for rom in roms))
        m.submodules.indices = sequence = RomSequence(table=table, cycles=unit.index_cycles)
        m.d.comb += sequence.step.eq(read)
        return sequence.data

    def _entries(self, m: Module, code: Signal) -> list[Value]:
        """For each channel filled the word of its entries, ``reach`` cycles after the step."""
        unit, lane = self._unit, self._unit.lane
        m.submodules.codewords = codewords = Rom(table=unit.code_rom, cycles=unit.code_cycles)
        m.d.comb += codewords.addr.eq(code)
        latest = Signal(unit.i.width, reset_less=True)
        newest = Signal(init=unit.dot9 % 2)
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += latest.eq(self.i.payload.as_value())
            if unit.dot9 % 2:
                m.d.sync += newest.eq(~newest)
        delay = unit.code_cycles - 1
        windows = registered(m, latest, delay)
        odd = registered(m, newest, delay)  # whether the first channel of the beat is odd
        size = KERNEL_BITS * lane
        words = []
        for channel in range(unit.dot9):
            starts = [(p * unit.dot9 + channel) * size for p in range(unit.pixels)]
            x = [windows[at : at + size] for at in starts]
            if unit.masked:
                x = [self._matches(window, codewords.data, odd ^ (channel % 2)) for window in x]
            dot9 = self._filler(m, channel, registered(m, code, unit.code_cycles))
            m.d.comb += [dot9.x.eq(Cat(*x)), dot9.w.eq(codewords.data)]
            spare = unit.reach - unit.code_cycles - unit.filler.latency
            words.append(registered(m, dot9.count, spare))
        return words

    def _filler(self, m: Module, channel: int, code: Value) -> Dot9s | Dot9Tables:
        """The Dot9 units of a channel that is filled; ``code``: the codeword's number."""
        config = self._unit.filler
        dot9: Dot9s | Dot9Tables
        if isinstance(config, Dot9Row):
            dot9 = Dot9s(row=config)
        else:
            dot9 = Dot9Tables(tables=config)
            m.d.comb += dot9.code.eq(code)
        m.submodules[f"dot9_{channel}"] = dot9
        return dot9

    def _matches(self, window: Value, codeword: Value, odd: Value) -> Value:
        """The matches of a window with a mask. A masked position matches in every second position,
        the even ones in even channels and the odd ones in odd channels.
        """
        unit, lane = self._unit, self._unit.lane
        bits: list[Value] = []
        for at in range(KERNEL_BITS):
            mask, padding = window[(at + 1) * lane - 1], odd if at % 2 else ~odd
            for bit in range(unit.bits):
                same = ~(window[at * lane + bit] ^ codeword[at])
                bits.append(Mux(mask, same, padding[0]))
        return Cat(*bits)
