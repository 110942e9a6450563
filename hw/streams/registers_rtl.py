"""Registers one behind the other, and registers of a stream's handshake and payload."""

from amaranth.hdl import Module, Signal, Value
from amaranth.lib import stream

__all__ = ["Stage", "payload_register", "registered", "valid_stages"]


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


class Stage:
    """A register on the way of a stream, which takes a beat where it is empty or its own is taken.

    Made with the handshake of the beats that come, whose ready it drives. ``valid`` is that of its
    own beat; whoever reads it drives ``ready``. ``load``: a beat goes into the registers that
    ``kept`` makes. Latency: 1 cycle. Interval: a beat a cycle. In the cycle model: a process of
    capacity 1, latency 1 and recycle 0.
    """

    def __init__(self, m: Module, valid: Value, ready: Value) -> None:
        self._m = m
        self.valid, self.ready = Signal(name="stage_valid"), Signal(name="stage_ready")
        free = ~self.valid | self.ready
        self.load: Value = valid & free
        m.d.comb += ready.eq(free)
        with m.If(free):
            m.d.sync += self.valid.eq(valid)

    def kept(self, value: Value) -> Value:
        """What ``value`` was for the beat that is in the registers, with its sign."""
        register = Signal(value.shape(), name="stage", reset_less=True)
        with self._m.If(self.load):
            self._m.d.sync += register.eq(value)
        return register
