"""Packets in, whole frames to the accelerator; results out as packets, marked where damaged."""

from typing import Any

from amaranth.hdl import Cat, Module, ResetInserter, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from subbit.hw.ip.buses_rtl import PacketSignature
from subbit.hw.ip.shape import CoreShape
from subbit.hw.streams.sequence_rtl import Counter
from subbit.hw.streams.shapes_rtl import stream_of

__all__ = ["PacketGuard", "ResultPackets"]


class PacketGuard(wiring.Component):
    """``o`` gives a whole frame of ``shape.i_beats`` beats for each packet of ``i``.

    Of a packet that is too short the frame is filled up with whatever is on ``i.data``; of one that
    is too long the rest is dropped. ``ended`` (out) is 1 in the cycle in which the last beat of a
    frame passes, and ``damaged`` (out) then says whether its packet had another length. ``early``
    and ``late`` (out) are 1 for a cycle where a packet is found too short or too long. While
    ``hold`` (in) is 1, no frame ends.

    ``clear`` (in), for a cycle in which the accelerator is reset: the frame that is being taken
    is given up, and the rest of its packet is dropped.

    Latency: 0 cycles; nothing but the handshake stands in the way. Interval: that of ``o``. With
    frames of three beats, a packet A of two beats and a packet B of three::

        cycle        0    1    2    3    4    5
        i.data      A0   A1    -   B0   B1   B2
        i.last       0    1    -    0    0    1
        i.ready      1    1    0    1    1    1
        o.valid      1    1    1    1    1    1
        early        0    1    0    0    0    0
        ended        0    0    1    0    0    1
        damaged      -    -    1    -    -    0
    """

    i: Any
    o: stream.Interface
    hold: Signal
    clear: Signal
    ended: Signal
    damaged: Signal
    early: Signal
    late: Signal

    def __init__(self, *, shape: CoreShape) -> None:
        self._shape = shape
        super().__init__(
            {
                "i": In(PacketSignature(shape.i_word.bits)),
                "o": Out(stream_of(shape.i)),
                **{"hold": In(1), "clear": In(1)},
                **{"ended": Out(1), "damaged": Out(1), "early": Out(1), "late": Out(1)},
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        beats = Counter(length=self._shape.i_beats)
        m.submodules.beats = ResetInserter(self.clear)(beats)
        filling, skipping = Signal(), Signal()
        inside = Signal()  # a packet, behind its first beat
        blocked, passes = Signal(), Signal()
        taken = self.i.valid & self.i.ready
        m.d.comb += [
            blocked.eq(self.clear | (beats.last & self.hold)),
            self.o.payload.as_value().eq(self.i.data),
            self.o.valid.eq((filling | (self.i.valid & ~skipping)) & ~blocked),
            self.i.ready.eq(skipping & ~self.clear | self.o.ready & ~(filling | blocked)),
            passes.eq(self.o.valid & self.o.ready),
            beats.step.eq(passes),
            self.early.eq(passes & ~filling & self.i.last & ~beats.last),
            self.late.eq(passes & ~filling & ~self.i.last & beats.last),
            self.ended.eq(passes & beats.last),
            self.damaged.eq(filling | ~self.i.last),
        ]
        with m.If(taken):
            m.d.sync += inside.eq(~self.i.last)
            with m.If(self.i.last):
                m.d.sync += skipping.eq(0)
        with m.If(self.early):
            m.d.sync += filling.eq(1)
        with m.If(self.late):
            m.d.sync += skipping.eq(1)
        with m.If(self.ended):
            m.d.sync += filling.eq(0)
        with m.If(self.clear):
            m.d.sync += [filling.eq(0), skipping.eq(inside)]
        return m


class ResultPackets(wiring.Component):
    """``o`` gives the results of ``i`` as packets of ``shape.o_beats`` beats, from a register.

    ``ended`` and ``damaged`` (in) come from a PacketGuard. The result of a damaged frame is marked
    by ``o.error``, and its data is all ones, from the beat on in which the damage is known; the
    last beat of a result waits until its frame has ended. ``hold`` (out): no frame may end, as a
    damaged one is inside or ``shape.most_in_flight`` are. ``done`` (out) is 1 in the cycle in which
    the last beat of a sound result goes into the register; ``busy`` (out): frames or results are
    inside.

    ``clear`` (in), for a cycle in which the accelerator is reset: the results inside are lost. A
    result of which a part was given ends with one more beat, which is marked.

    Latency: 1 cycle. Interval: a beat a cycle.
    """

    i: stream.Interface
    o: Any
    ended: Signal
    damaged: Signal
    clear: Signal
    hold: Signal
    done: Signal
    busy: Signal

    def __init__(self, *, shape: CoreShape) -> None:
        self._shape = shape
        super().__init__(
            {
                "i": In(stream_of(shape.o)),
                "o": Out(PacketSignature(shape.o_word.bits, marked=True)),
                **{"ended": In(1), "damaged": In(1), "clear": In(1)},
                **{"hold": Out(1), "done": Out(1), "busy": Out(1)},
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        shape = self._shape
        beats = Counter(length=shape.o_beats)
        m.submodules.beats = ResetInserter(self.clear)(beats)
        flying = Signal(range(shape.most_in_flight + 1))  # frames that ended, their results not
        flaw = Signal()  # the newest of these is damaged
        opened, closing = Signal(), Signal()  # a result is given by half; it has to be ended
        free, some, mark, load, leaves = (Signal() for _ in range(5))
        m.d.comb += [
            free.eq(~self.o.valid | self.o.ready),
            some.eq(flying != 0),
            mark.eq(flaw & (flying == 1)),
            self.hold.eq(flaw | flying.all()),
            self.busy.eq(some | opened | self.o.valid | closing),
            self.i.ready.eq(free & ~closing & ~self.clear & (some | ~beats.last)),
            load.eq(self.i.valid & self.i.ready),
            beats.step.eq(load),
            leaves.eq(load & beats.last),
            self.done.eq(leaves & ~mark),
        ]
        ends = closing & free & ~self.clear
        with m.If(free):
            m.d.sync += self.o.valid.eq(load | ends)
        with m.If(load | ends):
            m.d.sync += [
                self.o.data.eq(self._word() | (mark | closing).replicate(shape.o_word.bits)),
                self.o.last.eq(beats.last | closing),
                self.o.error.eq(mark | closing),
            ]
        with m.If(load):
            m.d.sync += opened.eq(~beats.last)
        with m.If(ends):
            m.d.sync += [closing.eq(0), opened.eq(0)]
        with m.If(self.ended & ~leaves):
            m.d.sync += flying.eq(flying + 1)
        with m.Elif(leaves & ~self.ended):
            m.d.sync += flying.eq(flying - 1)
        with m.If(self.ended & self.damaged):
            m.d.sync += flaw.eq(1)
        with m.Elif(leaves & mark):
            m.d.sync += flaw.eq(0)
        with m.If(self.clear):
            m.d.sync += [flying.eq(0), flaw.eq(0), closing.eq(opened)]
        return m

    def _word(self) -> Value:
        """A beat of ``i`` as it lies in ``o.data``."""
        word, lanes = self._shape.o_word, self._shape.o
        parts = []
        for lane in range(lanes.lanes):
            number = Value.cast(self.i.payload[lane])
            padding = word.lane_bits - lanes.bits
            parts.append(Cat(number, number[-1].replicate(padding)) if padding else number)
        return Cat(*parts)
