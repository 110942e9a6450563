"""Registers near what they drive, which synthesis leaves apart."""

from amaranth.hdl import Module, Signal, Value

from subbit.hw.families.ecp5.register_rtl import add_register
from subbit.hw.families.part import fabric_of

__all__ = ["local_register"]


def local_register(m: Module, platform: object, value: Value) -> Value:
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
