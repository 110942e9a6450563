"""Delay lines: a memory that is read and rewritten word after word, round and round."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from subbit.hw.contract.memory import choose_memory
from subbit.hw.streams.ram_rtl import ram

__all__ = ["DelayLine"]


class DelayLine(wiring.Component):
    """``q`` is what ``d`` was ``depth`` steps ago, from a register.

    A step reads the word for the next step and writes the word of this one, so with two words or
    more the addresses differ and no read-during-write logic is needed; one word is a register.
    ``collision`` is high if they ever were the same. Nothing is known of the first ``depth`` words,
    and a reset does not clear the memory.
    """

    step: Signal
    d: Signal
    q: Signal

    def __init__(self, width: int, depth: int, memory: str = "auto") -> None:
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
        ahead = Signal(range(self._depth), init=1)  # the word of the next step
        now = Signal(range(self._depth))
        m.d.comb += [
            write.addr.eq(now),
            write.data.eq(self.d),
            write.en.eq(self.step),
            read.addr.eq(ahead),
            self.collision.eq(self.step & (now == ahead)),
        ]
        word = Signal(self._width, reset_less=True)
        m.d.comb += self.q.eq(read.data if block else word)
        if block:
            m.d.comb += read.en.eq(self.step)
        with m.If(self.step):
            m.d.sync += [now.eq(ahead), ahead.eq(Mux(ahead == self._depth - 1, 0, ahead + 1))]
            if not block:
                m.d.sync += word.eq(read.data)
        return m
