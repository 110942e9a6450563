"""Pipelines that cannot stop: a core between two streams."""

from typing import Protocol

from amaranth.hdl import Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from subbit.hw.contract.unit import Unit
from subbit.hw.streams.credit_rtl import CreditQueue
from subbit.hw.streams.registers_rtl import registered, valid_stages
from subbit.hw.streams.shapes_rtl import stream_of

__all__ = ["PipedCore", "PipelineCore"]


class PipelineCore(Protocol):
    """A pipeline without streams that never stops: numbers in ``x`` the cycle after ``step`` (from
    the next group of channels at each step), results in ``y`` ``latency`` cycles after the numbers.
    """

    step: Signal
    x: data.View
    y: data.View
    latency: int


class PipedCore(wiring.Component):
    """A pipeline without streams as a component with two: ``o`` gives the results of ``core`` for
    the beats of ``i``, in order.

    Beats of ``i`` go through a register into the core; credits in front of it and a queue of
    ``depth`` places behind it make room for every result before its beat is taken. ``i.ready`` is
    that there is a credit, from a register. Latency: ``core.latency + 2`` cycles. Interval: a beat
    a cycle with a ``depth`` of ``core.latency + 3`` or more. ``unit``: whose ``i`` and ``o`` the
    streams are.
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self, *, unit: Unit, core: PipelineCore, depth: int) -> None:
        self._unit, self._core, self._depth = unit, core, depth
        super().__init__({"i": In(stream_of(unit.i)), "o": Out(stream_of(unit.o))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.core = core = self._core
        m.submodules.queue = queue = CreditQueue(lanes=self._unit.o, depth=self._depth)
        fire = self.i.valid & queue.room
        valid = valid_stages(m, fire, core.latency + 1, "valid")
        x = registered(m, self.i.payload.as_value())
        m.d.comb += [
            self.i.ready.eq(queue.room),
            queue.issue.eq(fire),
            core.step.eq(fire),
            core.x.as_value().eq(x),
            queue.push.eq(valid[-1]),
            queue.data.as_value().eq(core.y.as_value()),
        ]
        wiring.connect(m, queue.o, wiring.flipped(self.o))
        return m
