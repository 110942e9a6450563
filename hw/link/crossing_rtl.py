"""A stream from one clock domain to another, without a memory."""

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

__all__ = ["StreamCrossing"]


class StreamCrossing(wiring.Component):
    """Hands the beats of ``i``, in domain ``i_domain``, to ``o``, in domain ``o_domain``; both have
    the payload ``shape``.

    A stream's payload does not change until it is taken, so only the handshake needs synchronising:
    each beat is announced by a toggle and taken once the toggle has come back. Latency: one cycle
    of ``i_domain`` and two of ``o_domain``. Interval: three or four cycles of each domain a beat,
    which suits streams of few beats. Both domains must be reset together.
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self, *, shape: Any, i_domain: str, o_domain: str) -> None:
        self._i_domain = i_domain
        self._o_domain = o_domain
        super().__init__({"i": In(stream.Signature(shape)), "o": Out(stream.Signature(shape))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        asked, asked_there, given, given_back = Signal(), Signal(), Signal(), Signal()
        m.submodules.there = FFSynchronizer(asked, asked_there, o_domain=self._o_domain)
        m.submodules.back = FFSynchronizer(given, given_back, o_domain=self._i_domain)
        waiting = Signal()  # announced and not yet taken
        m.d.comb += [
            self.o.payload.eq(self.i.payload),
            self.o.valid.eq(asked_there != given),
            self.i.ready.eq(waiting & (given_back == asked)),
        ]
        with m.If(self.o.valid & self.o.ready):
            m.d[self._o_domain] += given.eq(asked_there)
        with m.If(self.i.valid):
            m.d[self._i_domain] += waiting.eq(~self.i.ready)
            with m.If(~waiting):
                m.d[self._i_domain] += asked.eq(~asked)
        return m
