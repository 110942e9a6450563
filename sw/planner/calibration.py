"""What a design takes beside what its units estimate, measured; see ``subbit bench planner``.

``calibration.json`` in the folder of a family is one set of measurements, with what they were made
on. Others may be put in its place: they are data, and nothing else depends on their numbers.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from math import sqrt
from typing import Any

from subbit.hw.contract.cost import Cost
from subbit.hw.contract.unit import Unit
from subbit.hw.families.table import family
from subbit.sw.errors import PlanError

__all__ = ["VERSION", "Calibration", "calibration"]

VERSION = 3


@dataclass(frozen=True)
class Calibration:
    """What the units' estimates do not know.

    ``packing``: LUT4s and flip-flops after packing for each one after synthesis, which the units
    estimate: nextpnr puts cells where carry chains begin, end and are cut. It is one number for all
    units, so that no wrong estimate of one kind hides in it. ``host``: what link, clocks and the
    rest of the board's design take, the buffers for frames aside. ``period_ns``: the clock period
    to expect of a design of hardly any LUTs, and how much more times the square root of its
    thousands of LUT4s, as wires are as long as the square is wide that the design takes.
    ``measured``: what it was measured on and with. ``fabric``: of the parts that it is for.
    """

    packing: tuple[float, float]
    host: Cost
    period_ns: tuple[float, float]
    measured: Mapping[str, Any]
    fabric: str

    def of(self, unit: Unit) -> Cost:
        """The cost to expect of a unit."""
        return self.packed(family(self.fabric).cost(unit.cost()))

    def packed(self, said: Cost) -> Cost:
        """The cost to expect of what is estimated to take so many cells of the fabric."""
        lut4, flip_flops = self.packing
        cells = round(lut4 * said.lut4), round(flip_flops * said.flip_flops)
        return Cost(*cells, said.block_rams, multipliers=said.multipliers)

    def clock_hz(self, lut4: int) -> float:
        """The clock to expect of a design of so many LUT4s, link and clocks included."""
        least, wires = self.period_ns
        return 1e9 / (least + wires * sqrt(lut4 / 1000))

    def to_json(self) -> str:
        """The text of the file."""
        row = {
            "subbit_calibration": VERSION,
            "fabric": self.fabric,
            "measured": dict(self.measured),
            "host": self.host.counts,
            "period_ns": list(self.period_ns),
            "packing": list(self.packing),
        }
        return json.dumps(row, indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Calibration":
        """The inverse of ``to_json``; raises PlanError for another text."""
        try:
            row = json.loads(text)
            if row["subbit_calibration"] != VERSION:
                raise PlanError(
                    f"calibration version {row['subbit_calibration']!r}; this subbit reads version "
                    f"{VERSION}: make a new one with `subbit bench planner --calibrate`"
                )
            return cls(
                packing=(float(row["packing"][0]), float(row["packing"][1])),
                host=Cost(**row["host"]),
                period_ns=(float(row["period_ns"][0]), float(row["period_ns"][1])),
                measured=row["measured"],
                fabric=row["fabric"],
            )
        except (ValueError, TypeError, LookupError, AttributeError):
            raise PlanError(
                "not a calibration file; make one with `subbit bench planner --calibrate`"
            ) from None


@cache
def calibration(fabric: str) -> Calibration:
    """The one of the family of that name. Raises FamilyError where it has none."""
    return Calibration.from_json(family(fabric).calibration())
