"""What the carry chains of a family can do, and which forms counters have."""

from collections.abc import Callable
from dataclasses import dataclass

from subbit.hw.families.netlist import AddPlace, BitFunction, CarryTap

__all__ = ["PORTABLE", "CarryRules", "adds_nets"]

PORTABLE = "portable"  # the form of counters that have no family's cells


@dataclass(frozen=True)
class CarryRules:
    """A kind of carry chain, and what compressor trees made of it take.

    ``plain``: a place adds two nets as they are, and can be no other lookup table. ``feasible``:
    whether there is a cell for a place. ``speeds``: for clocks of at least so many MHz, places of a
    carry chain and levels between registers, fastest first (measured, see
    docs/how-it-works/popcount.md).
    ``tree_cells``: LUT4s and flip-flops of a tree for each bit of a row, about, for the planner,
    which cannot wait for the trees themselves.
    """

    plain: bool
    feasible: Callable[[AddPlace | CarryTap], bool]
    speeds: tuple[tuple[float, int, int], ...]
    tree_cells: tuple[float, float]

    def speed(self, mhz: float) -> tuple[int, int]:
        """Places of a carry chain, and levels between registers, for a clock."""
        for least, limit, depth in self.speeds:
            if mhz >= least:
                return limit, depth
        return self.speeds[-1][1:]


def adds_nets(place: AddPlace | CarryTap) -> bool:
    """Whether a chain that adds two nets as they are, such as SB_CARRY or ALU, can do a place."""
    units = (place.inject,) if isinstance(place, CarryTap) else (place.u, place.v)
    inverted = isinstance(place, AddPlace) and place.inverted
    return not inverted and all(is_net(unit) for unit in units)


def is_net(unit: BitFunction) -> bool:
    """Whether the unit is a net as it is, or constant."""
    return not unit.nets or unit.table == 0b10
