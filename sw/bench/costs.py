"""What units say they cost against what synthesis makes of their circuits."""

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from amaranth.back import rtlil
from amaranth.hdl import Elaboratable, Module, Value
from amaranth.hdl._ir import PortDirection
from amaranth.lib import wiring

from subbit.boards import BOARDS
from subbit.hw.contract.cost import Cost
from subbit.hw.contract.unit import Unit
from subbit.hw.families.family import Family
from subbit.hw.families.part import Part
from subbit.hw.families.table import family
from subbit.sw.bench.unit_cases import unit_cases
from subbit.sw.errors import SubbitError
from subbit.sw.flow import tools
from subbit.sw.flow.process import run_tool
from subbit.sw.flow.progress import SILENT, Progress
from subbit.sw.flow.verilog import rtlil_to_verilog

__all__ = ["CostReport", "CostRow", "bench_costs", "map_components", "map_units"]

TOLERANCE, SLACK_CELLS = 0.15, 25  # of an estimate: the share of what is mapped, or so many cells
# Components that a run of Yosys maps. It takes 24 core seconds for 20 components alone, 15 for 5 or
# 10 at a time, 19 for all of them, and more than twice as long as in groups for 60 at once.
GROUP = 8


class SideBySide(Elaboratable):
    """Components that have nothing to do with each other, each with all its ports outside."""

    def __init__(self, components: Mapping[str, wiring.Component]) -> None:
        self._components = components

    @property
    def ports(self) -> dict[str, tuple[Value, PortDirection]]:
        """The ports of all of them."""
        found = {}
        for name, component in self._components.items():
            for path, member, value in component.signature.flatten(component):
                inward = member.flow == wiring.In
                direction = PortDirection.Input if inward else PortDirection.Output
                found[f"{name}__{'__'.join(map(str, path))}"] = (Value.cast(value), direction)
        return found

    def elaborate(self, platform: object) -> Module:
        m = Module()
        for name, component in self._components.items():
            m.submodules[name] = component
        return m


def map_units(units: Mapping[str, Unit], fabric: str) -> dict[str, Cost]:
    """The cells of each unit's circuit after synthesis for a fabric. Raises ToolError."""
    return map_components(
        {n: unit.load_component()(unit=unit) for n, unit in units.items()}, fabric
    )


def map_components(components: Mapping[str, wiring.Component], fabric: str) -> dict[str, Cost]:
    """The same of components. Each stays a module of its own, GROUP of them in a run of Yosys."""
    rows = iter(components.items())
    costs: dict[str, Cost] = {}
    while group := dict(islice(rows, GROUP)):
        costs |= map_group(group, fabric)
    return costs


def map_group(components: Mapping[str, wiring.Component], fabric: str) -> dict[str, Cost]:
    """The cells of components, one run of Yosys for all."""
    part = family(fabric)
    names = {f"unit{at}": name for at, name in enumerate(components)}
    design = SideBySide(dict(zip(names, components.values(), strict=True)))
    text = rtlil.convert(
        design, name="all", platform=Part(fabric), ports=design.ports, emit_src=False
    )
    whole = "".join(f"setattr -mod -set keep_hierarchy 1 all.{module}\n" for module in names)
    with tempfile.TemporaryDirectory(prefix="subbit-costs-") as place:
        folder = Path(place)
        rtlil_to_verilog(text, folder=folder, name="all")
        synthesis = part.mapping("all")
        script = f"read_verilog all.v\n{whole}{synthesis}\nwrite_json all.json\n"
        (folder / "all.ys").write_text(script)
        run_tool(tools.yosys(), ["all.ys"], folder=folder, log="all.log")
        modules = json.loads((folder / "all.json").read_text())["modules"]
    return {
        name: part.mapped_cost(modules[f"all.{module}"]["cells"]) for module, name in names.items()
    }


@dataclass(frozen=True)
class CostRow:
    """What a unit says that it takes on parts of a family, and what it takes after synthesis.

    Of an iCE40 ``lut4`` are logic cells. ``lut4_error``: of what is said, as a share of what is
    mapped; 0 where the two are less than SLACK_CELLS apart.
    """

    kind: str
    unit: str
    family: str
    lut4_said: int
    lut4_mapped: int
    lut4_error: float
    flip_flops_said: int
    flip_flops_mapped: int
    block_rams_said: int
    block_rams_mapped: int
    multipliers_said: int = 0
    multipliers_mapped: int = 0

    @property
    def holds(self) -> bool:
        """Whether LUT4s and flip-flops are within TOLERANCE, block RAMs and multipliers exact."""
        return (
            near(self.lut4_said, self.lut4_mapped)
            and near(self.flip_flops_said, self.flip_flops_mapped)
            and self.block_rams_said == self.block_rams_mapped
            and self.multipliers_said == self.multipliers_mapped
        )


@dataclass(frozen=True)
class CostReport:
    """The rows of ``subbit bench costs``, and the greatest error of LUT4s among them.

    ``too_large``: units left out, of which no board of the family could hold one.
    """

    rows: tuple[CostRow, ...]
    worst_lut4_error: float
    too_large: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether every row holds."""
        return all(row.holds for row in self.rows)


def bench_costs(
    families: Sequence[str] = ("ecp5", "ice40"),
    *,
    kinds: Sequence[str] = (),
    quick: bool = False,
    progress: Progress = SILENT,
) -> CostReport:
    """Map units of every kind for each family and compare with what they say that they cost, but
    for those that say that they are larger than any board of the family.

    ``kinds``: only of these, as the units' components are called. ``quick``: without the cases that
    take long to map. Raises SubbitError for a kind or family that there is not.
    """
    rows: list[CostRow] = []
    too_large: list[str] = []
    for name in families:
        part = family(name)
        units = {case.name: case.make(name) for case in unit_cases(quick=quick)}
        known = {unit.kind() for unit in units.values()}
        if unknown := sorted({*kinds} - known):
            raise SubbitError(f"no unit {unknown[0]!r}; choose from {', '.join(sorted(known))}")
        chosen = {n: unit for n, unit in units.items() if not kinds or unit.kind() in kinds}
        large = [n for n, unit in chosen.items() if is_too_large(unit, part)]
        too_large += [f"{n} ({name})" for n in large]
        chosen = {n: unit for n, unit in chosen.items() if n not in large}
        progress.phase(f"{len(chosen)} units for {part.title}")
        rows += compared(chosen, part)
    worst = max((row.lut4_error for row in rows), key=abs, default=0.0)
    return CostReport(tuple(rows), worst, tuple(too_large))


def is_too_large(unit: Unit, part: Family) -> bool:
    """Whether no board of the family that is known could hold the unit; False without boards."""
    said = part.cost(unit.cost()).counts
    devices = [board.device for board in BOARDS.values() if board.device.fabric == part.name]
    cells = [device.cells.counts for device in devices]
    return bool(cells) and not any(all(said[k] <= row[k] for k in said) for row in cells)


def compared(units: Mapping[str, Unit], part: Family) -> list[CostRow]:
    """A row for each unit."""
    rows = []
    for name, mapped in map_units(units, part.name).items():
        said = part.cost(units[name].cost())
        few = abs(said.lut4 - mapped.lut4) <= SLACK_CELLS
        error = 0.0 if few else round(said.lut4 / mapped.lut4 - 1, 4)
        rows.append(
            CostRow(
                *(units[name].kind(), name, part.name),
                *(said.lut4, mapped.lut4, error),
                *(said.flip_flops, mapped.flip_flops),
                *(said.block_rams, mapped.block_rams),
                *(said.multipliers, mapped.multipliers),
            )
        )
    return rows


def near(said: int, mapped: int) -> bool:
    """Whether an estimate holds."""
    return abs(said - mapped) <= max(SLACK_CELLS, TOLERANCE * mapped)
