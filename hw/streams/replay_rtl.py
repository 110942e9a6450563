"""Emitting each vector several times."""

from typing import NamedTuple

from amaranth.hdl import Array, Cat, Module, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from subbit.hw.contract.memory import choose_memory
from subbit.hw.streams.ram_rtl import ram
from subbit.hw.streams.registers_rtl import payload_register, valid_stages
from subbit.hw.streams.replay import ReplayUnit
from subbit.hw.streams.sequence_rtl import Counter
from subbit.hw.streams.shapes_rtl import stream_of

__all__ = ["Replay"]


class Moves(NamedTuple):
    """What happens in a cycle: a beat is taken, with which a vector is whole (``pushed``); one is
    read, which is the last of its vector (``popped``).
    """

    takes: Value
    pushed: Value
    reads: Value
    popped: Value


class Replay(wiring.Component):
    """``o`` gives each ``unit.words`` beats of ``i``, a vector, ``unit.folds`` times.

    One word: the output register, loaded ``unit.payload_delay`` cycles after the handshake. More:
    two banks of a memory, of which ``i`` fills one while ``o`` reads the other; ``i.ready`` (a bank
    is free) comes from a register. ``collision`` is high if a word is read while it is written,
    which the banks exclude. In registers: a shift register that ``i`` fills, and a ring that it is
    copied to. With ``unit.order`` the words are read as it says: a register holds the number of the
    next one, which a table gives. Latency: ``words + 1`` cycles, one more in registers, or 1 with
    one word. Interval: ``words * folds`` cycles a vector.

    Two words, two folds::

        cycle        0   1   2   3   4   5   6   7   8   9
        i.payload    A   B   C   D   E   E   E   F   G   G
        i.ready      1   1   1   1   0   0   1   1   0   0     both banks are full in cycle 4
        o.valid      0   0   0   1   1   1   1   1   1   1
        o.payload    -   -   -   A   B   A   B   C   D   C

    One word, three folds, a payload delay of 1::

        cycle        0   1   2   3   4   5   6   7
        i.ready      1   0   0   1   0   0   1   0     ready with the last fold
        i.payload    -   A   -   -   B   -   -   C     the cycle after its handshake
        o.valid      0   1   1   1   1   1   1   1
        o.payload    -   -   A   A   A   B   B   B     the cycle after its handshake
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self, *, unit: ReplayUnit) -> None:
        self._unit = unit
        self.collision = Signal()
        super().__init__({"i": In(stream_of(unit.i)), "o": Out(stream_of(unit.o))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        if self._unit.words == 1:
            self.hold(m)
        else:
            self.vectors(m)
        return m

    def hold(self, m: Module) -> None:
        """One word: it stays in the output register for all its folds."""
        payload = payload_register(m, self.o)
        m.submodules.folds = folds = Counter(length=self._unit.folds)
        m.d.comb += [
            self.i.ready.eq(~self.o.valid | (folds.last & self.o.ready)),
            folds.step.eq(self.o.valid & self.o.ready),
        ]
        with m.If(folds.step & folds.last):
            m.d.sync += self.o.valid.eq(0)
        takes = self.i.valid & self.i.ready
        with m.If(takes):
            m.d.sync += self.o.valid.eq(1)
        with m.If(valid_stages(m, takes, self._unit.payload_delay, "takes")[-1]):
            m.d.sync += payload.eq(self.i.payload)

    def vectors(self, m: Module) -> None:
        """A writer and a reader; ``whole`` vectors wait or are being read."""
        unit, whole = self._unit, Signal(range(3))
        m.submodules.write_count = write_count = Counter(length=unit.words)
        m.submodules.read_count = read_count = Counter(length=unit.reads)
        m.submodules.folds = folds = Counter(length=unit.folds)
        some = Signal() if unit.is_ring else whole != 0
        takes = self.i.valid & self.i.ready
        reads = some & (~self.o.valid | self.o.ready)
        pushed, popped = takes & write_count.last, reads & read_count.last & folds.last
        m.d.comb += [
            self.i.ready.eq(whole != 2),
            write_count.step.eq(takes),
            read_count.step.eq(reads),
            folds.step.eq(reads & read_count.last),
        ]
        m.d.sync += whole.eq(whole + pushed - popped)
        moves = Moves(takes, pushed, reads, popped)
        if isinstance(some, Signal):
            self.ring(m, moves, some)
        else:
            word = self.ordered(m, moves, read_count) if unit.order else read_count.count
            self.banks(m, moves, write_count.count, word)
        with m.If(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.If(reads):
            m.d.sync += self.o.valid.eq(1)

    def ordered(self, m: Module, moves: Moves, read_count: Counter) -> Signal:
        """The number of the word that is read next, from a register."""
        order = self._unit.order
        word = Signal(range(self._unit.words), init=order[0])
        following = Array(order[1:] + order[:1])
        with m.If(moves.reads):
            m.d.sync += word.eq(following[read_count.count])
        return word

    def banks(self, m: Module, moves: Moves, write_word: Signal, read_word: Signal) -> None:
        """Two banks of a memory, each for whole vectors."""
        unit = self._unit
        style = choose_memory(unit.element.width, unit.memory_words, unit.memory)
        memory = ram(unit.element.width, unit.memory_words, style)
        m.submodules.memory = memory
        write, read = memory.write_port(), memory.read_port(domain="sync")
        write_bank, read_bank = Signal(), Signal()
        m.d.comb += [
            write.addr.eq(Cat(write_word, write_bank)),
            write.data.eq(self.i.payload),
            write.en.eq(moves.takes),
            read.addr.eq(Cat(read_word, read_bank)),
            read.en.eq(moves.reads),
            self.o.payload.eq(read.data),
            self.collision.eq(moves.takes & moves.reads & (write.addr == read.addr)),
        ]
        m.d.sync += [
            write_bank.eq(write_bank ^ moves.pushed),
            read_bank.eq(read_bank ^ moves.popped),
        ]

    def ring(self, m: Module, moves: Moves, some: Signal) -> None:
        """A shift register that fills, and a ring that is read; ``some``: there is a vector in it.

        The shift register is copied in the cycle after its last word came, or with the last word
        read of the vector before: then there is room in it again.
        """
        width, words = self._unit.element.width, self._unit.words
        filling, ring = (Signal(width * words, reset_less=True) for _ in range(2))
        full, copies = Signal(), Signal()
        output = payload_register(m, self.o)
        m.d.comb += copies.eq(full & (~some | moves.popped))
        with m.If(moves.takes):
            m.d.sync += filling.eq(Cat(filling[width:], self.i.payload))
        with m.If(moves.pushed):
            m.d.sync += full.eq(1)
        with m.Elif(copies):
            m.d.sync += full.eq(0)
        with m.If(copies):
            m.d.sync += [ring.eq(filling), some.eq(1)]
        with m.Elif(moves.reads):
            m.d.sync += ring.eq(ring.rotate_right(width))
        with m.If(moves.popped & ~copies):
            m.d.sync += some.eq(0)
        with m.If(moves.reads):
            m.d.sync += output.eq(ring[:width])
