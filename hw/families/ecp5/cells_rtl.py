"""Cells of compressor netlists for ECP5: CCU2C and LUT4."""

from collections.abc import Mapping

from amaranth.hdl import Const, Instance, Module, Signal, Value

from subbit.hw.families.ecp5.carry import Half, half_of
from subbit.hw.families.netlist import CarryChain, Lut, Place
from subbit.hw.families.nets_rtl import NetRegisters

__all__ = ["add_cell", "lut_pins"]

EMPTY = Half((None,) * 4, 0)


def add_cell(m: Module, pipeline: NetRegisters, level: int, cell: Lut | CarryChain) -> None:
    """Add a cell of a level to the module."""
    if isinstance(cell, Lut):
        half = lut_half(cell)
        pins = half_pins(pipeline, level, half, "")
        m.submodules += Instance(
            "LUT4", p_INIT=Const(half.init, 16), **pins, o_Z=pipeline.drive(cell.out)
        )
        return
    places: list[Place | None] = [*cell.places, *[None] * (len(cell.places) % 2)]
    carry: Value = Const(0, 1)
    for first, second in zip(places[::2], places[1::2], strict=True):
        out = Signal(name="carry")
        low, high = (
            connected(pipeline, level, place, which)
            for place, which in ((first, "0"), (second, "1"))
        )
        m.submodules += Instance("CCU2C", **low, **high, i_CIN=carry, o_COUT=out)
        carry = out


def connected(
    pipeline: NetRegisters, level: int, place: Place | None, which: str
) -> dict[str, object]:
    """Parameters and connections of one half of a CCU2C."""
    found = EMPTY
    if place:
        filled = lut_half(place) if isinstance(place, Lut) else half_of(place)
        assert filled, "the netlist holds a place that the fabric cannot do"
        found = filled
    cell: dict[str, object] = {
        f"p_INIT{which}": Const(found.init, 16),
        f"p_INJECT1_{which}": "YES" if isinstance(place, Lut) else "NO",
    }
    if place and place.out is not None:
        cell[f"o_S{which}"] = pipeline.drive(place.out)
    return {**cell, **half_pins(pipeline, level, found, which)}


def half_pins(pipeline: NetRegisters, level: int, half: Half, suffix: str) -> Mapping[str, Value]:
    """Connections of the four inputs."""
    values = [Const(1, 1) if net is None else pipeline.used(net, level) for net in half.pins]
    return {f"i_{pin}{suffix}": value for pin, value in zip("ABCD", values, strict=True)}


def lut_half(lut: Lut) -> Half:
    """Pins and INIT of a lookup table."""
    return Half(*lut_pins(lut))


def lut_pins(lut: Lut) -> tuple[tuple[int | None, ...], int]:
    """Nets on the four inputs, and the table for all sixteen values of these."""
    nets = lut.unit.nets
    repeats = sum(1 << at for at in range(0, 16, 1 << len(nets)))
    return (*nets, *(None,) * (4 - len(nets))), lut.unit.table * repeats
