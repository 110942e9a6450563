"""What the carry chains of each vendor's fabric can do."""

from collections.abc import Callable
from dataclasses import dataclass

from subbit.hw.families.ecp5.carry import half_of
from subbit.hw.families.netlist import AddPlace, BitFunction, CarryTap

__all__ = ["FABRICS", "Fabric"]


@dataclass(frozen=True)
class Fabric:
    """A kind of carry chain.

    ``plain``: a place adds two nets as they are, and can be no other lookup table. ``feasible``:
    whether there is a cell for a place. ``speeds``: for clocks of at least so many MHz, places of a
    carry chain and levels between registers, fastest first (measured in
    docs/how-it-works/popcount.md).
    """

    name: str
    plain: bool
    feasible: Callable[[AddPlace | CarryTap], bool]
    speeds: tuple[tuple[float, int, int], ...]

    def speed(self, mhz: float) -> tuple[int, int]:
        """Places of a carry chain, and levels between registers, for a clock."""
        for least, limit, depth in self.speeds:
            if mhz >= least:
                return limit, depth
        return self.speeds[-1][1:]


def ecp5(place: AddPlace | CarryTap) -> bool:
    """A half of a CCU2C adds functions of up to four nets, under a condition."""
    return half_of(place) is not None


def plain(place: AddPlace | CarryTap) -> bool:
    """SB_CARRY and ALU add two nets."""
    units = (place.inject,) if isinstance(place, CarryTap) else (place.u, place.v)
    inverted = isinstance(place, AddPlace) and place.inverted
    return not inverted and all(is_net(unit) for unit in units)


def is_net(unit: BitFunction) -> bool:
    """Whether the unit is a net as it is, or constant."""
    return not unit.nets or unit.table == 0b10


FABRICS = {
    fabric.name: fabric
    for fabric in (
        Fabric("ecp5", False, ecp5, ((270, 16, 1), (150, 32, 1), (0, 32, 2))),
        Fabric("ice40", True, plain, ((0, 12, 1),)),
        Fabric("gowin", True, plain, ((0, 16, 1),)),
    )
}
