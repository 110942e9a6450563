"""One stream to several readers."""

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from subbit.hw.streams.fork import ForkUnit
from subbit.hw.streams.shapes_rtl import lanes_layout, stream_of

__all__ = ["Fork"]


class Fork(wiring.Component):
    """Offers each beat of ``i`` on the streams ``o0``, ``o1`` and so on until each has taken it.

    All branches show one register, written only once every branch is free: ``o0.valid``,
    ``o1.valid`` and so on fall one by one as the branches take the beat. ``i.ready`` is high where
    each branch has nothing on offer or is taken from in this cycle. Latency: 1 cycle. Interval: a
    beat a cycle.
    """

    i: stream.Interface

    def __init__(self, *, unit: ForkUnit) -> None:
        self._unit = unit
        outputs = {port: Out(stream_of(lanes)) for port, lanes in unit.outputs.items()}
        super().__init__({"i": In(stream_of(unit.i)), **outputs})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        held = Signal(lanes_layout(self._unit.element), reset_less=True)
        branches = [getattr(self, port) for port in self._unit.outputs]
        free = Signal(len(branches))
        for number, branch in enumerate(branches):
            m.d.comb += [branch.payload.eq(held), free[number].eq(~branch.valid | branch.ready)]
            with m.If(branch.ready):
                m.d.sync += branch.valid.eq(0)
        m.d.comb += self.i.ready.eq(free.all())
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += [held.eq(self.i.payload), *(branch.valid.eq(1) for branch in branches)]
        return m
