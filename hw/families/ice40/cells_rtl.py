"""Cells of compressor netlists for iCE40: SB_CARRY and SB_LUT4."""

from amaranth.hdl import Const, Instance, Module, Signal, Value

from subbit.hw.families.ecp5.cells_rtl import lut_pins
from subbit.hw.families.netlist import AddPlace, BitFunction, CarryChain, Lut
from subbit.hw.families.nets_rtl import NetRegisters

__all__ = ["add_cell"]

SUM, CARRY = 0xC33C, 0xFF00  # of inputs 1, 2 and the carry on input 3; and the carry alone


def add_cell(m: Module, pipeline: NetRegisters, level: int, cell: Lut | CarryChain) -> None:
    """Add a cell of a level to the module."""
    if isinstance(cell, Lut):
        add_lut(m, pipeline, level, cell)
        return
    carry: Value = Const(0, 1)
    for place in cell.places:
        assert not isinstance(place, Lut), "chains of this fabric hold no lookup tables"
        units = (place.u, place.v) if isinstance(place, AddPlace) else (place.inject, place.inject)
        u, v = (unit_value(pipeline, level, unit) for unit in units)
        if place.out is not None:
            table = SUM if isinstance(place, AddPlace) else CARRY
            pins = {"i_I0": Const(0, 1), "i_I1": u, "i_I2": v, "i_I3": carry}
            out = pipeline.drive(place.out)
            m.submodules += Instance("SB_LUT4", p_LUT_INIT=Const(table, 16), **pins, o_O=out)
        next_carry = Signal(name="carry")
        m.submodules += Instance("SB_CARRY", i_I0=u, i_I1=v, i_CI=carry, o_CO=next_carry)
        carry = next_carry


def add_lut(m: Module, pipeline: NetRegisters, level: int, lut: Lut) -> None:
    """Add a lookup table."""
    nets, table = lut_pins(lut)
    values = [Const(0, 1) if net is None else pipeline.used(net, level) for net in nets]
    pins = {f"i_I{at}": value for at, value in enumerate(values)}
    m.submodules += Instance(
        "SB_LUT4", p_LUT_INIT=Const(table, 16), **pins, o_O=pipeline.drive(lut.out)
    )


def unit_value(pipeline: NetRegisters, level: int, unit: BitFunction) -> Value:
    """The value of a unit that is a net, or constant."""
    return pipeline.used(unit.nets[0], level) if unit.nets else Const(unit.table, 1)
