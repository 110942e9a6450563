"""A stand-in for an accelerator: each logit is a sum over the frame."""

from typing import Any

import numpy as np
from amaranth.hdl import Array, Module, Signal, signed
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from numpy.typing import NDArray

from subbit.hw.contract.unit import Lanes
from subbit.hw.link.host_link_rtl import HostLink
from subbit.hw.link.protocol import LinkInfo
from subbit.hw.streams.shapes_rtl import stream_of

__all__ = ["LinkedSums", "sums_of"]

WIDTH = 24


def sums_of(info: LinkInfo, codes: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Classes ``(n,)`` and logits ``(n, logits)`` of frames ``(n, h, w, c)``."""
    flat = codes.reshape(len(codes), -1).astype(np.int64)
    weights = np.arange(info.elements) + 1
    logits = np.stack([flat @ ((weights * (k + 1)) % 16 - 8) for k in range(info.logits)], axis=1)
    return logits.argmax(axis=1), logits


class Sums(wiring.Component):
    """Logit k is the sum over elements i of ``((i + 1) * (k + 1) mod 16 - 8) * element``."""

    i: stream.Interface
    o: stream.Interface

    def __init__(self, *, info: LinkInfo, lanes: int) -> None:
        self._info = info
        self._lanes = lanes
        shape = stream_of(Lanes(lanes, info.bits))
        super().__init__({"i": In(shape), "o": Out(stream.Signature(signed(WIDTH)))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        count = self._info.logits
        sums = Array(Signal(signed(WIDTH), name=f"sum{k}") for k in range(count))
        beats = self._info.elements // self._lanes
        beat, index = Signal(range(beats + 1)), Signal(range(count + 1))
        best = Signal(range(count))
        position = Signal(range(self._info.elements + self._lanes))
        with m.If(beat != beats):
            m.d.comb += self.i.ready.eq(1)
            with m.If(self.i.valid):
                m.d.sync += [beat.eq(beat + 1), position.eq(position + self._lanes)]
                for k in range(count):
                    terms = [
                        (((position + lane + 1) * (k + 1))[:4].as_unsigned() - 8) * element
                        for lane, element in enumerate(self.i.payload)
                    ]
                    m.d.sync += sums[k].eq(sums[k] + sum(terms))
        with m.Else():
            is_class = index == count
            m.d.comb += [self.o.valid.eq(1), self.o.payload.eq(sums[index])]
            with m.If(is_class):
                m.d.comb += self.o.payload.eq(best)
            with m.If(self.o.ready):
                m.d.sync += index.eq(index + 1)
                with m.If(~is_class & (sums[index] > sums[best])):
                    m.d.sync += best.eq(index)
                with m.If(is_class):
                    m.d.sync += [beat.eq(0), index.eq(0), best.eq(0), position.eq(0)]
                    m.d.sync += [total.eq(0) for total in sums]
        return m


class LinkedSums(wiring.Component):
    """The stand-in behind a host link."""

    rx: Signal
    tx: Signal

    def __init__(
        self, *, info: LinkInfo, lanes: int = 1, clock_hz: int = 25_000_000, baud: int = 3_000_000
    ) -> None:
        self._link = HostLink(
            info=info, clock_hz=clock_hz, baud=baud, result_bits=WIDTH, lanes=lanes
        )
        self._sums = Sums(info=info, lanes=lanes)
        super().__init__({"rx": In(1), "tx": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.link_core = link = self._link
        m.submodules.sums = sums = self._sums
        m.d.comb += [link.rx.eq(self.rx), self.tx.eq(link.tx)]
        wiring.connect(m, link.o, sums.i)
        wiring.connect(m, sums.o, link.i)
        return m
