"""Changing how many elements a beat carries: join beats, or split them."""

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from subbit.hw.streams.registers_rtl import payload_register
from subbit.hw.streams.sequence_rtl import Counter
from subbit.hw.streams.shapes_rtl import stream_of
from subbit.hw.streams.width import DownsizeUnit, UpsizeUnit

__all__ = ["Downsize", "Upsize"]


class Upsize(wiring.Component):
    """``o`` gives ``unit.ratio`` beats of ``i`` side by side, the first in the lowest lanes; of
    beats of several ``unit.runs`` the first runs of all beats, then the second ones.

    Registers hold the parts so far; the last one goes straight into the output register beside
    them. ``i.ready`` is low only for that last part, while the beat before it waits on ``o``.
    Latency: 1 cycle after the last part. Interval: an input beat a cycle.

    With ``ratio`` 3 and ``o.ready`` low in cycles 3 to 6::

        cycle        0    1    2    3    4    5    6    7    8
        i.payload    A    B    C    D    E    F    F    F    G
        i.ready      1    1    1    1    1    0    0    1    1
        o.valid      0    0    0    1    1    1    1    1    1
        o.payload    -    -    -   CBA  CBA  CBA  CBA  CBA  FED
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self, *, unit: UpsizeUnit) -> None:
        self._unit = unit
        super().__init__({"i": In(stream_of(unit.i)), "o": Out(stream_of(unit.o))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        ratio = self._unit.ratio
        payload = payload_register(m, self.o)
        parts = Signal((ratio - 1) * self._unit.i.width, reset_less=True)
        m.submodules.count = count = Counter(length=ratio)
        free = ~self.o.valid | self.o.ready
        m.d.comb += [
            self.i.ready.eq(~count.last | free),
            count.step.eq(self.i.valid & self.i.ready),
        ]
        with m.If(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.If(count.step):
            joined = Cat(parts, self.i.payload.as_value())
            m.d.sync += parts.eq(joined[self._unit.i.width :])
            with m.If(count.last):
                m.d.sync += [payload.eq(self._ordered(joined)), self.o.valid.eq(1)]
        return m

    def _ordered(self, joined: Value) -> Value:
        """The beats that are joined, run by run."""
        runs = self._unit.runs
        if runs == 1:
            return joined
        bits = self._unit.i.width // runs
        parts = [joined[at : at + bits] for at in range(0, len(joined), bits)]
        return Cat(*(part for run in range(runs) for part in parts[run::runs]))


class Downsize(wiring.Component):
    """``o`` gives each beat of ``i`` in ``unit.ratio`` parts, that of the lowest lanes first.

    A shift register holds the parts that are left; ``i.ready`` is high where it is empty, or where
    the last part is taken in this cycle. Latency: 1 cycle. Interval: ``ratio`` cycles a beat.

    With ``ratio`` 3 and ``o.ready`` high::

        cycle        0    1    2    3    4    5    6    7
        i.payload   CBA  FED  FED  FED  IHG  IHG  IHG   -
        i.ready      1    0    0    1    0    0    1    0
        o.valid      0    1    1    1    1    1    1    1
        o.payload    -    A    B    C    D    E    F    G
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self, *, unit: DownsizeUnit) -> None:
        self._unit = unit
        super().__init__({"i": In(stream_of(unit.i)), "o": Out(stream_of(unit.o))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        ratio = self._unit.ratio
        parts = Signal(self._unit.i.width, reset_less=True)
        some = Signal()  # parts on offer
        m.submodules.taken = taken = Counter(length=ratio)
        m.d.comb += [
            self.o.valid.eq(some),
            self.o.payload.as_value().eq(parts[: self._unit.o.width]),
            self.i.ready.eq(~some | (taken.last & self.o.ready)),
            taken.step.eq(some & self.o.ready),
        ]
        with m.If(taken.step):
            m.d.sync += parts.eq(parts >> self._unit.o.width)
            with m.If(taken.last):
                m.d.sync += some.eq(0)
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += [parts.eq(self.i.payload.as_value()), some.eq(1)]
        return m
