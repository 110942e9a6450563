"""Registers of ECP5 that synthesis leaves alone."""

from amaranth.hdl import ClockSignal, Const, Instance, Module, ResetSignal, Value

__all__ = ["add_register"]


def add_register(m: Module, d: Value, q: Value, init: int) -> None:
    """A register for one bit. Synthesis makes one of registers that hold the same, but not of
    instances.
    """
    m.submodules += Instance(
        "TRELLIS_FF",
        p_GSR="DISABLED",
        p_CEMUX="1",
        p_CLKMUX="CLK",
        p_LSRMUX="LSR",
        p_REGSET="SET" if init else "RESET",
        p_SRMODE="LSR_OVER_CE",
        i_CLK=ClockSignal(),
        i_CE=Const(1, 1),
        i_LSR=ResetSignal(allow_reset_less=True),
        i_DI=d,
        o_Q=q,
    )
