"""Pipelines that cannot stop: registers, and a core between two streams."""

from typing import Protocol

from amaranth.hdl import Module, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from subbit.hw.credit import CreditQueue
from subbit.hw.shapes import stream_of
from subbit.sw.units.unit import Unit

__all__ = ["Core", "PipedCore", "payload_register", "registered", "valid_stages"]


def registered(m: Module, value: Value, times: int = 1) -> Value:
    """``value`` behind that many registers, which a reset leaves alone."""
    for _ in range(times):
        register = Signal(len(value), name="stage", reset_less=True)
        m.d.sync += register.eq(value)
        value = register
    return value


def payload_register(m: Module, port: stream.Interface) -> Signal:
    """The register that an output stream's payload comes from, which a reset leaves alone: what is
    in it counts only while the stream is valid.
    """
    payload = Value.cast(port.payload)
    register = Signal(len(payload), name="payload", reset_less=True)
    m.d.comb += payload.eq(register)
    return register


def valid_stages(m: Module, start: Value, stages: int, name: str) -> list[Value]:
    """``start``, and the same 1 to ``stages`` cycles later; 0 after a reset."""
    found = [start]
    for stage in range(stages):
        later = Signal(name=f"{name}{stage + 1}")
        m.d.sync += later.eq(found[-1])
        found.append(later)
    return found


class Core(Protocol):
    """A pipeline without streams: numbers in ``x`` the cycle after ``step``, results in ``y``."""

    step: Signal
    x: data.View
    y: data.View
    latency: int


class PipedCore(wiring.Component):
    """A core between two streams: registers in front of it, credits and a queue around it."""

    i: stream.Interface
    o: stream.Interface

    def __init__(self, unit: Unit, core: Core, depth: int) -> None:
        self._unit, self._core, self._depth = unit, core, depth
        super().__init__({"i": In(stream_of(unit.i)), "o": Out(stream_of(unit.o))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.core = core = self._core
        m.submodules.queue = queue = CreditQueue(self._unit.o, self._depth)
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
