"""Registers of ECP5 that synthesis leaves alone."""

from amaranth.hdl import ClockSignal, Const, Instance, Module, Value

__all__ = ["add_register"]


def add_register(m: Module, d: Value, q: Value) -> None:
    """A register for one bit, which a reset leaves alone. Synthesis makes one of registers that
    hold the same, but not of instances.
    """
    m.submodules += Instance(
        "TRELLIS_FF",
        p_GSR="DISABLED",
        p_CEMUX="1",
        p_CLKMUX="CLK",
        p_LSRMUX="LSR",
        p_REGSET="RESET",
        p_SRMODE="LSR_OVER_CE",
        i_CLK=ClockSignal(),
        i_CE=Const(1, 1),
        i_LSR=Const(0, 1),
        i_DI=d,
        o_Q=q,
    )
