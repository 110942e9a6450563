"""The end of a pipeline that cannot stop: credits in front of it, a queue behind it."""

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.data import View
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from subbit.hw.contract.unit import Lanes
from subbit.hw.streams.sequence_rtl import next_in_cycle
from subbit.hw.streams.shapes_rtl import lanes_layout, stream_of

__all__ = ["CreditQueue"]


class CreditQueue(wiring.Component):
    """The end of a pipeline that cannot stop: a queue of ``depth`` places of payload ``lanes``,
    each of which is promised before the beat that needs it enters the pipeline.

    ``room`` (out, from a register): a place is free, and a beat may enter the pipeline in this
    cycle. ``issue`` (in): one does, which takes a credit; only with ``room``. ``push`` (in): its
    result is in ``data`` (in, the payload as lanes). ``o``: the results in order.

    Latency: from ``push`` to ``o.valid`` 1 cycle. Interval: a beat a cycle where ``depth`` is at
    least the cycles from ``issue`` to ``push`` and two more. A credit comes back the cycle after
    its beat was taken. In the cycle model: a process of capacity ``depth`` and recycle 1.

    Two places behind a pipeline of three cycles, ``o.ready`` low in cycles 4 and 5::

        cycle        0   1   2   3   4   5   6   7   8   9  10
        room         1   1   0   0   0   0   0   1   1   0   0
        issue        A   B   -   -   -   -   -   C   D   -   -
        push         -   -   -   A   B   -   -   -   -   -   C
        o.valid      0   0   0   0   1   1   1   1   0   0   0
        o.payload    -   -   -   -   A   A   A   B   -   -   -
        credits      2   1   0   0   0   0   0   1   1   0   0
    """

    room: Signal
    issue: Signal
    push: Signal
    data: View
    o: stream.Interface

    def __init__(self, *, lanes: Lanes, depth: int) -> None:
        self._depth = depth
        super().__init__(
            {
                "room": Out(1),
                "issue": In(1),
                "push": In(1),
                "data": In(lanes_layout(lanes)),
                "o": Out(stream_of(lanes)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        credits = Signal(range(self._depth + 1), init=self._depth)
        level = Signal(range(self._depth + 1))
        taken = self.o.valid & self.o.ready
        room, some = Signal(init=1), Signal()  # credits > 0, level > 0
        m.d.comb += [self.room.eq(room), self.o.valid.eq(some)]
        with m.If(self.issue & ~taken):
            m.d.sync += [credits.eq(credits - 1), room.eq(credits != 1)]
        with m.If(taken & ~self.issue):
            m.d.sync += [credits.eq(credits + 1), room.eq(1)]
        with m.If(self.push & ~taken):
            m.d.sync += [level.eq(level + 1), some.eq(1)]
        with m.If(taken & ~self.push):
            m.d.sync += [level.eq(level - 1), some.eq(level != 1)]
        payload, data = self.o.payload.as_value(), self.data.as_value()
        if self._depth == 1:
            store = Signal(len(data), reset_less=True)
            m.d.comb += payload.eq(store)
            with m.If(self.push):
                m.d.sync += store.eq(data)
            return m
        memory: Memory = Memory(shape=len(data), depth=self._depth, init=[])
        m.submodules.memory = memory
        write, read = memory.write_port(), memory.read_port(domain="comb")
        m.d.comb += [write.data.eq(data), write.en.eq(self.push), payload.eq(read.data)]
        with m.If(self.push):
            m.d.sync += write.addr.eq(next_in_cycle(write.addr, self._depth))
        with m.If(taken):
            m.d.sync += read.addr.eq(next_in_cycle(read.addr, self._depth))
        return m
