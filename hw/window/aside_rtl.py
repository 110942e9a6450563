"""Putting the first beats of a frame aside."""

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from subbit.hw.streams.delay_rtl import DelayLine
from subbit.hw.streams.registers_rtl import payload_register, registered, valid_stages
from subbit.hw.streams.sequence_rtl import Counter

__all__ = ["FirstAside"]


class FirstAside(wiring.Component):
    """``o``: the beats of ``i`` but for the first ``aside`` of each ``beats``, which wait in a
    memory: ``first`` (out) is the one that was put there first and not taken yet, by ``taken``
    (in), which is to come ``aside`` times for each ``beats``, behind the last of them.

    Data follow their handshakes ``delay`` cycles later, and so does ``taken``. ``memory``: where
    they wait: ``auto``, ``block`` or ``distributed``. Latency: 1 cycle. Interval: ``beats`` cycles.
    ``collision`` is high if a word is read while it is written, which none ever is.

    Three beats, one of them aside; C waits, and then passes::

        cycle        0   1   2   3   4   5   6
        i.payload    A   B   C   D   D   E   -
        i.ready      1   1   1   0   1   1   1     D begins the next three: C has to be gone
        o.valid      0   0   1   1   1   0   1
        o.ready      1   1   1   0   1   1   1
        o.payload    -   -   B   C   C   -   E
        first        -   A   A   -   -   D   D
        taken        0   0   1   0   0   0   1
    """

    i: stream.Interface
    o: stream.Interface
    first: Signal
    taken: Signal

    def __init__(self, *, width: int, beats: int, aside: int, delay: int, memory: str) -> None:
        self._beats, self._aside, self._delay, self._memory = beats, aside, delay, memory
        self.collision = Signal()
        signature = stream.Signature(width)
        super().__init__(
            {"i": In(signature), "o": Out(signature), "first": Out(width), "taken": In(1)}
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.count = count = Counter(
            length=self._beats, tables=[[k < self._aside for k in range(self._beats)]]
        )
        m.submodules.store = store = DelayLine(
            width=len(self.first), depth=self._aside, memory=self._memory
        )
        payload = payload_register(m, self.o)
        passes = count.step & ~count.flags[0]
        m.d.comb += [
            self.i.ready.eq(~self.o.valid | self.o.ready),
            count.step.eq(self.i.valid & self.i.ready),
        ]
        with m.If(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.If(passes):
            m.d.sync += self.o.valid.eq(1)
        beat = registered(m, self.i.payload, self._delay)
        kept = valid_stages(m, count.step & count.flags[0], self._delay, "kept")[-1]
        with m.If(valid_stages(m, passes, self._delay, "passes")[-1]):
            m.d.sync += payload.eq(beat)
        m.d.comb += [
            store.step.eq(kept | self.taken),
            store.d.eq(beat),
            self.first.eq(store.q),
            self.collision.eq(store.collision),
        ]
        return m
