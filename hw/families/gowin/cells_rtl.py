"""Cells of compressor netlists for Gowin: ALU and LUT4."""

from amaranth.hdl import Const, Instance, Module, Signal

from subbit.hw.families.ecp5.cells_rtl import lut_pins
from subbit.hw.families.ice40.cells_rtl import unit_value
from subbit.hw.families.netlist import AddPlace, CarryChain, CarryTap, Lut
from subbit.hw.families.nets_rtl import NetRegisters

__all__ = ["add_cell"]

ADD = 0  # ALU_MODE: SUM = I0 ^ I1 ^ CIN, COUT = I0 where I0 = I1, else CIN


def add_cell(m: Module, pipeline: NetRegisters, level: int, cell: Lut | CarryChain) -> None:
    """Add a cell of a level to the module."""
    if isinstance(cell, Lut):
        add_lut(m, pipeline, level, cell)
        return
    # The tools put an ALU before the first one for its carry-in, so no place need be spent on that.
    begin = cell.places[0]
    assert isinstance(begin, CarryTap), "a chain begins with a carry-in"
    carry = unit_value(pipeline, level, begin.inject)
    for place in cell.places[1:]:
        assert not isinstance(place, Lut), "chains of this fabric hold no lookup tables"
        units = (place.u, place.v) if isinstance(place, AddPlace) else (place.inject, place.inject)
        u, v = (unit_value(pipeline, level, unit) for unit in units)
        out = {} if place.out is None else {"o_SUM": pipeline.drive(place.out)}
        next_carry = Signal(name="carry")
        pins = {"i_I0": u, "i_I1": v, "i_I3": Const(1, 1), "i_CIN": carry}
        m.submodules += Instance("ALU", p_ALU_MODE=ADD, **pins, o_COUT=next_carry, **out)
        carry = next_carry


def add_lut(m: Module, pipeline: NetRegisters, level: int, lut: Lut) -> None:
    """Add a lookup table."""
    nets, table = lut_pins(lut)
    values = [Const(0, 1) if net is None else pipeline.used(net, level) for net in nets]
    pins = {f"i_I{at}": value for at, value in enumerate(values)}
    out = pipeline.drive(lut.out)
    m.submodules += Instance("LUT4", p_INIT=Const(table, 16), **pins, o_F=out)
