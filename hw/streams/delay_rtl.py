"""Delay lines: a memory that is read and rewritten word after word, round and round."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from subbit.hw.contract.memory import choose_memory
from subbit.hw.streams.ram_rtl import ram

__all__ = ["DelayLine"]


class DelayLine(wiring.Component):
    """``q`` (out) is what ``d`` (in) was ``depth`` steps ago; both have ``width`` bits. ``step``
    (in): a step in this cycle. ``memory``: ``auto``, ``block`` or ``distributed``.

    A memory that each step reads for the step after it and then rewrites, round and round; one word
    is a register. As the word read is never the one that is written, no read-during-write logic is
    needed; ``collision`` is high if it ever were. ``q`` comes from a register. Latency: ``depth``
    steps. Interval: a step a cycle. The first ``depth`` words are undefined, and a reset does not
    clear them.

    Depth 3::

        cycle        0   1   2   3   4   5   6
        step         1   1   1   1   0   1   1
        d            A   B   C   D   -   E   F
        q            -   -   -   A   B   B   C
    """

    step: Signal
    d: Signal
    q: Signal

    def __init__(self, *, width: int, depth: int, memory: str = "auto") -> None:
        self._width, self._depth = width, depth
        self._style = choose_memory(width, depth, memory)
        self.collision = Signal()
        super().__init__({"step": In(1), "d": In(width), "q": Out(width)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        if self._depth == 1:
            word = Signal(self._width, reset_less=True)
            m.d.comb += self.q.eq(word)
            with m.If(self.step):
                m.d.sync += word.eq(self.d)
            return m
        memory = ram(self._width, self._depth, self._style)
        m.submodules.memory = memory
        write = memory.write_port()
        block = self._style == "block"
        read = memory.read_port(domain="sync" if block else "comb")
        following = Signal(range(self._depth), init=1)  # the word of the next step
        now = Signal(range(self._depth))
        m.d.comb += [
            write.addr.eq(now),
            write.data.eq(self.d),
            write.en.eq(self.step),
            read.addr.eq(following),
            self.collision.eq(self.step & (now == following)),
        ]
        word = Signal(self._width, reset_less=True)
        m.d.comb += self.q.eq(read.data if block else word)
        if block:
            m.d.comb += read.en.eq(self.step)
        with m.If(self.step):
            m.d.sync += [
                now.eq(following),
                following.eq(Mux(following == self._depth - 1, 0, following + 1)),
            ]
            if not block:
                m.d.sync += word.eq(read.data)
        return m
