"""Registers near what they drive, which synthesis leaves apart."""

from amaranth.hdl import Module, Signal, Value

from subbit.hw.families.part import family_of

__all__ = ["has_local_registers", "local_register"]


def has_local_registers(platform: object) -> bool:
    """Whether the platform's part has cells for registers that synthesis leaves apart."""
    family = family_of(platform)
    return family is not None and family.has_register_cells


def local_register(m: Module, platform: object, value: Value) -> Value:
    """``value`` behind a register of its own near what it drives, which a reset leaves alone: one
    register for all would drive too much and too far. On parts of families that say that they have
    no cells for it, synthesis makes one of registers that hold the same.
    """
    register = Signal(len(value), name="kept", reset_less=True)
    family = family_of(platform)
    if family is None or not family.has_register_cells:
        m.d.sync += register.eq(value)
        return register
    for d, q in zip(value, register, strict=True):
        family.add_register(m, d, q)
    return register
