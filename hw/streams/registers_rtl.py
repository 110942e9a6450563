"""Registers in rows and side by side."""

from amaranth.hdl import Module, Signal, Value
from amaranth.lib import stream

from subbit.hw.families.ecp5.register_rtl import add_register
from subbit.hw.families.part import fabric_of

__all__ = ["kept", "payload_register", "registered", "valid_stages"]


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


def kept(m: Module, platform: object, value: Value) -> Value:
    """``value`` behind a register of its own near what it drives, which a reset leaves alone: one
    register for all would drive too much and too far. On parts where cells for that are not known
    synthesis makes one of registers that hold the same.
    """
    register = Signal(len(value), name="kept", reset_less=True)
    for d, q in zip(value, register, strict=True):
        if fabric_of(platform) == "ecp5":
            add_register(m, d, q)
        else:
            m.d.sync += q.eq(d)
    return register
