"""Units in a row, between registers, for measuring what they take together."""

import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any

from amaranth.hdl import Cat, Elaboratable, Module, Signal

from subbit.hw.contract.unit import Unit
from subbit.hw.design.elaboration import to_rtlil
from subbit.hw.families.part import Part
from subbit.sw.flow.cells import netlist_cells
from subbit.sw.flow.synth import synthesise
from subbit.sw.flow.verilog import rtlil_to_verilog

__all__ = ["UnitChain", "chain_cells"]

FABRIC = "ecp5"


class UnitChain(Elaboratable):
    """Components of units, each stream connected to the next; a pin shifts into the first.

    ``pins``: of the shift register, valid, and ready of the last output.
    """

    def __init__(self, units: list[Unit]) -> None:
        self.units = units
        self.pins = Signal(3)
        self.out = Signal(units[-1].o.width + 2)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        made: list[Any] = [unit.load_component()(unit=unit) for unit in self.units]
        for number, component in enumerate(made):
            m.submodules[f"unit{number}"] = component
        for before, after in pairwise(made):
            m.d.comb += [
                after.i.payload.as_value().eq(before.o.payload.as_value()),
                after.i.valid.eq(before.o.valid),
                before.o.ready.eq(after.i.ready),
            ]
        payload, last = made[0].i.payload.as_value(), made[-1].o
        x, valid, ready = Signal(len(payload), reset_less=True), Signal(), Signal()
        m.d.sync += [x.eq(Cat(self.pins[0], x)), Cat(valid, ready).eq(self.pins[1:])]
        m.d.comb += [payload.eq(x), made[0].i.valid.eq(valid), last.ready.eq(ready)]
        m.d.sync += self.out.eq(Cat(last.payload.as_value(), last.valid, made[0].i.ready))
        return m


def chain_cells(units: list[Unit]) -> dict[str, int]:
    """LUT4s, flip-flops and block RAMs for an ECP5 after synthesis. Raises ToolError."""
    chain = UnitChain(units)
    ports = [chain.pins, chain.out]
    text = to_rtlil(chain, name="top", platform=Part(FABRIC), ports=ports)
    with tempfile.TemporaryDirectory(prefix="subbit-bench-") as name:
        folder = Path(name)
        rtlil_to_verilog(text, folder=folder, name="top")
        return netlist_cells(synthesise(folder, name="top", fabric=FABRIC)).row()
