"""The block-RAM lookup engine: tables of several pixels in a word, compressor trees behind them."""

from collections.abc import Callable

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from subbit.hw.credit import CreditQueue
from subbit.hw.dot9 import Dot9s
from subbit.hw.entry_sum import EntrySum
from subbit.hw.lookup import core_of
from subbit.hw.pipe import registered, valid_stages
from subbit.hw.ram import ram
from subbit.hw.rom import RomSequence
from subbit.hw.sequence import Counter
from subbit.hw.shapes import stream_of
from subbit.sw.units.block_lookup import BlockLookup as BlockLookupUnit
from subbit.sw.units.codebook_engine import KERNEL

__all__ = ["BlockLookup"]


class BlockLookup(wiring.Component):
    """See :class:`subbit.sw.units.block_lookup.BlockLookup` for what is computed, and the cycles.

    ``collision`` is high if a bank were ever written while it is read.
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self, unit: BlockLookupUnit) -> None:
        self._unit = unit
        self.collision = Signal()
        super().__init__({"i": In(stream_of(unit.i)), "o": Out(stream_of(unit.o))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        unit = self._unit
        m.submodules.queue = queue = CreditQueue(unit.o, unit.depth)
        beats = unit.cin // unit.dot9
        m.submodules.codes = codes = Counter(unit.codes, [[k == 0 for k in range(unit.codes)]])
        m.submodules.beats = beat = Counter(beats, [[k == 0 for k in range(beats)]])
        m.submodules.turns = turns = Counter(unit.turns, [[k == 0 for k in range(unit.turns)]])
        m.submodules.outputs = outputs = Counter(unit.cout)
        whole = Signal(range(3))  # banks that are full
        takes, free = codes.flags[0], (whole != 2) | ~beat.flags[0]
        fill, read, read_bank = Signal(), Signal(), Signal()
        filled, emptied = Signal(), Signal()
        m.d.comb += [
            self.i.ready.eq(takes & free),
            fill.eq(~takes | (self.i.valid & free)),
            read.eq(~turns.flags[0] | ((whole != 0) & queue.room)),
            codes.step.eq(fill),
            beat.step.eq(fill & codes.last),
            turns.step.eq(read),
            outputs.step.eq(read & turns.last),
            filled.eq(beat.step & beat.last),
            emptied.eq(outputs.step & outputs.last),
            queue.issue.eq(read & turns.flags[0]),
        ]
        m.d.sync += [whole.eq(whole + filled - emptied), read_bank.eq(read_bank ^ emptied)]

        written = valid_stages(m, fill, unit.reach, "written")[-1]
        done = valid_stages(m, read, unit.reach, "read")[-1]
        gives = valid_stages(m, read & turns.last, unit.stages, "gives")
        bank = registered(m, read_bank, unit.reach)
        words = self._entries(m, fill)
        write_bank = Signal()
        place = self._place(m, written, write_bank)
        m.submodules.indices = indices = RomSequence(unit.index_rom, unit.index_cycles)
        m.d.comb += indices.step.eq(read)
        index = registered(m, indices.data, unit.reach - unit.index_cycles)
        turn = registered(m, turns.count, unit.reach)[: unit.turn_bits]
        tables = []
        for port in range(unit.ports):
            m.submodules[f"table{port}"] = table = ram(unit.word_bits, unit.words, "block")
            write, reader = table.write_port(), table.read_port()
            chosen, address = place(port)
            m.d.comb += [
                write.addr.eq(address),
                write.data.eq(words[port % unit.dot9]),
                write.en.eq(chosen),
                reader.addr.eq(Cat(index[port * unit.tau : (port + 1) * unit.tau], turn, bank)),
            ]
            tables.append(registered(m, reader.data))
        first = registered(m, turns.flags[0], unit.reach + 2)
        m.submodules.core = core = core_of(unit.core, unit.raw_bits)
        for pixel in range(unit.pixels):
            m.submodules[f"sum{pixel}"] = adder = EntrySum(unit.adder)
            at = pixel * unit.entry_bits
            m.d.comb += [
                adder.x.eq(Cat(*(table[at : at + unit.entry_bits] for table in tables))),
                adder.first.eq(first),
                core.x[pixel].eq(adder.total),
            ]
        m.d.comb += [
            self.collision.eq(written & done & (write_bank == bank)),
            core.step.eq(gives[unit.reach + 1 + unit.adder.latency]),
            queue.push.eq(gives[-1]),
            queue.data.as_value().eq(core.y.as_value()),
        ]
        wiring.connect(m, queue.o, wiring.flipped(self.o))
        return m

    def _place(
        self, m: Module, written: Value, write_bank: Signal
    ) -> Callable[[int], tuple[Value, Value]]:
        """Whether a port's memory is written, and where."""
        unit = self._unit
        groups = unit.ports // unit.dot9
        m.submodules.write_codes = codes = Counter(unit.codes)
        m.submodules.write_groups = group = Counter(groups)
        m.submodules.write_turns = turns = Counter(unit.turns)
        m.d.comb += [
            codes.step.eq(written),
            group.step.eq(written & codes.last),
            turns.step.eq(group.step & group.last),
        ]
        m.d.sync += write_bank.eq(write_bank ^ (turns.step & turns.last))
        address = Cat(codes.count[: unit.tau], turns.count[: unit.turn_bits], write_bank)
        chosen = [Signal(name=f"chosen{at}") for at in range(groups)]
        for at, signal in enumerate(chosen):
            m.d.comb += signal.eq(written & (group.count == at if groups > 1 else 1))
        return lambda port: (chosen[port // unit.dot9], address)

    def _entries(self, m: Module, fill: Signal) -> list[Value]:
        """For each channel filled the word of its entries, ``reach`` cycles after ``fill``."""
        unit, lane = self._unit, self._unit.lane
        m.submodules.codewords = codewords = RomSequence(unit.codeword_rom(1))
        m.d.comb += codewords.step.eq(fill)
        windows = Signal(unit.i.width, reset_less=True)
        odd = Signal(init=unit.dot9 % 2)  # whether the first channel of the beat is odd
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += windows.eq(self.i.payload.as_value())
            if unit.dot9 % 2:
                m.d.sync += odd.eq(~odd)
        size = KERNEL * lane
        words = []
        for channel in range(unit.dot9):
            starts = [(p * unit.dot9 + channel) * size for p in range(unit.pixels)]
            x = [windows[at : at + size] for at in starts]
            if unit.masked:
                x = [self._matches(window, codewords.data, odd ^ (channel % 2)) for window in x]
            m.submodules[f"dot9_{channel}"] = dot9 = Dot9s(unit.filler)
            m.d.comb += [dot9.x.eq(Cat(*x)), dot9.w.eq(codewords.data)]
            words.append(registered(m, dot9.count, unit.reach - 1 - unit.filler.latency))
        return words

    def _matches(self, window: Value, codeword: Value, odd: Value) -> Value:
        """The matches of a window with a mask; a blank matches in every second position, turn about
        between even and odd channels.
        """
        unit, lane = self._unit, self._unit.lane
        bits: list[Value] = []
        for at in range(KERNEL):
            mask, blank = window[(at + 1) * lane - 1], odd if at % 2 else ~odd
            for bit in range(unit.bits):
                same = ~(window[at * lane + bit] ^ codeword[at])
                bits.append(Mux(mask, same, blank[0]))
        return Cat(*bits)
