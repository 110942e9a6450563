"""Registers one behind the other, and registers of a stream's handshake and payload."""

from amaranth.hdl import Module, Signal, Value
from amaranth.lib import stream

__all__ = ["payload_register", "registered", "valid_stages"]


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
