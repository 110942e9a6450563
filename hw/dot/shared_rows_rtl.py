"""The engine of tiled layers whose outputs share rows."""

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.data import View
from amaranth.lib.wiring import In, Out

from subbit.hw.dot.dot_rtl import Dot
from subbit.hw.dot.shared_rows import SharedRowsUnit
from subbit.hw.post.core_rtl import core_of
from subbit.hw.streams.credit_rtl import CreditQueue
from subbit.hw.streams.ram_rtl import ram
from subbit.hw.streams.registers_rtl import valid_stages
from subbit.hw.streams.sequence_rtl import Counter
from subbit.hw.streams.shapes_rtl import lanes_layout, stream_of

__all__ = ["SharedRows"]


class SharedRows(Dot):
    """``o`` gives ``post(sum of row r)`` for outputs ``k * rows + r``, k from 0 to
    ``unit.repeats - 1``, ``unit.dot.pe`` a beat; ``i`` holds the codes of the input vectors as for
    the direct engine.

    A direct engine whose sums end in a memory of several banks in place of a queue; each sum is
    read ``unit.reads`` times, and each time compared for ``unit.at_once`` outputs. Where one time
    is enough, sums go straight to the thresholds, and only the outputs to a queue. Latency:
    ``dot.stages + core.latency + 3`` cycles from a vector's last beat to its first output, or
    ``stages + 1`` without the memory. Interval: ``passes * max(beats * bit_steps, reads)`` cycles a
    vector. ``collision`` is high if a word of sums is read while it is written, which the banks
    exclude.

    Two words of sums (r0, r1), two beats each, three repeats; ``dot.stages`` 6, ``core.latency``
    1::

        cycle      0   1   2   3  ..  10  11  12  13  14  15  16
        i         r0  r0  r1  r1                                     then the next vector
        read                          r0  r1  r0  r1  r0  r1         once for each output
        o                                         o0  o1  o2  o3     o0, o2, o4 of r0
    """

    def __init__(self, *, unit: SharedRowsUnit) -> None:
        super().__init__(unit=unit.dot, o=unit.o, core=unit.core if unit.whole else None)
        self._end: RepeatedSums | CreditQueue
        if unit.whole:
            self._end, self.collision = CreditQueue(lanes=unit.o, depth=unit.depth), Signal()
        else:
            self._end = RepeatedSums(unit=unit)
            self.collision = self._end.collision

    def end(self) -> "RepeatedSums | CreditQueue":
        """What takes the sums, or the outputs where no sum waits."""
        return self._end


class RepeatedSums(wiring.Component):
    """Banks of sums, each read ``unit.reads`` times, and what follows on them; takes the place of a
    CreditQueue, and has its ports.

    ``room`` (out): the next sum may be issued: the first one of a vector needs a bank that is free.
    ``issue`` (in): it is. ``push`` (in): a word of sums is in ``data`` (in, the payload of
    ``unit.dot.o``). ``o``: the outputs, ``unit.o``. ``collision`` is high if a word is read while
    it is written. Latency: from the ``push`` of a vector's last word to its first output
    ``core.latency + 3`` cycles. Interval: an output beat a cycle.
    """

    room: Signal
    issue: Signal
    push: Signal
    data: View
    o: stream.Interface

    def __init__(self, *, unit: SharedRowsUnit) -> None:
        self._unit = unit
        self.collision = Signal()
        super().__init__(
            {
                "room": Out(1),
                "issue": In(1),
                "push": In(1),
                "data": In(lanes_layout(unit.dot.o)),
                "o": Out(stream_of(unit.o)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        unit = self._unit
        m.submodules.queue = queue = CreditQueue(lanes=unit.o, depth=unit.depth)
        m.submodules.core = core = core_of(unit.core, unit.dot.o.bits)
        ends = [[at == 0 for at in range(unit.words)]]
        m.submodules.issued = issued = Counter(length=unit.words, tables=ends)
        m.submodules.written = written = Counter(length=unit.words)
        m.submodules.place = place = Counter(length=unit.words)
        m.submodules.repeats = repeats = Counter(length=unit.reads)
        taken = issued.flags[0] & self.issue
        filled = self.push & written.last
        read, emptied = Signal(), Signal()
        some, free = Signal(), Signal(init=1)  # from registers: banks that are full, and free
        m.d.comb += [
            self.room.eq(free | ~issued.flags[0]),
            issued.step.eq(self.issue),
            written.step.eq(self.push),
            read.eq(some & queue.room),
            place.step.eq(read),
            repeats.step.eq(read & place.last),
            emptied.eq(read & place.last & repeats.last),
            queue.issue.eq(read),
        ]
        counted(m, unit.banks, emptied, taken, free, unit.banks)
        counted(m, unit.banks, filled, emptied, some, 0)
        write_bank, read_bank = (Signal(range(unit.banks), name=f"{n}_bank") for n in ("to", "of"))
        m.d.sync += [write_bank.eq(write_bank + filled), read_bank.eq(read_bank + emptied)]
        memory = ram(unit.dot.o.width, unit.banks * unit.bank_words, unit.memory)
        m.submodules.memory = memory
        write, reader = memory.write_port(), memory.read_port()
        bits = (unit.words - 1).bit_length()
        valid = valid_stages(m, read, unit.core.latency + 1, "valid")
        m.d.comb += [
            write.addr.eq(Cat(written.count[:bits], write_bank)),
            write.data.eq(self.data.as_value()),
            write.en.eq(self.push),
            reader.addr.eq(Cat(place.count[:bits], read_bank)),
            core.step.eq(read),
            core.x.as_value().eq(self._repeated(reader.data)),
            queue.push.eq(valid[-1]),
            queue.data.as_value().eq(core.y.as_value()),
            self.collision.eq(self.push & read & (write.addr == reader.addr)),
        ]
        wiring.connect(m, queue.o, wiring.flipped(self.o))
        return m

    def _repeated(self, sums: Value) -> Value:
        """The sums of each pixel as often as outputs are made of them at once."""
        times, bits = self._unit.at_once, len(sums) // self._unit.dot.pixels
        if times == 1:
            return sums
        return Cat(*(sums[at : at + bits].replicate(times) for at in range(0, len(sums), bits)))


def counted(m: Module, most: int, more: Value, less: Value, some: Signal, start: int) -> None:
    """Count up with ``more``, down with ``less``, from ``start`` to ``most``; ``some``: above 0."""
    count = Signal(range(most + 1), init=start)
    with m.If(more & ~less):
        m.d.sync += [count.eq(count + 1), some.eq(1)]
    with m.If(less & ~more):
        m.d.sync += [count.eq(count - 1), some.eq(count != 1)]
