"""The planner's estimates against what is built, and the calibration that they rest on.

A network's cells are counted by nextpnr once it has packed the netlist for the device: placing and
routing changes their number no more. Cycles are those of the model that keeps a trace, which the
simulation is held to elsewhere; here they check the planner's own, compiled one.
"""

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subbit.boards import Board
from subbit.hw.contract.cost import Cost
from subbit.sw.atomic import write_atomic
from subbit.sw.bench.unlike import calibration_networks, reuse_networks, test_networks
from subbit.sw.errors import PlanError
from subbit.sw.flow import tools
from subbit.sw.flow.fit import FitWatch, Resources
from subbit.sw.flow.process import run_tool
from subbit.sw.flow.progress import SILENT, Progress
from subbit.sw.ir.network import Network
from subbit.sw.lower.pipeline import Pipeline
from subbit.sw.lower.plan import Plan, smallest_plan
from subbit.sw.planner.calibration import Calibration, calibration
from subbit.sw.planner.costs import total
from subbit.sw.planner.goal import Goal, NothingFits, Planned, budget_of, planned
from subbit.sw.planner.most import least_plan
from subbit.sw.planner.search import lacking

__all__ = [
    "PlannerReport",
    "PlannerRow",
    "bench_planner",
    "calibrate",
    "measure_plan",
    "measured_row",
    "packed",
    "save_rows",
]

# Of a frame, of layers on engines that reuse dot products: the first at which the design fits.
REUSE_CYCLES = (4096, 16384, 65536)
LUT4S = (2000, 1200, 3500)  # budgets that the networks are planned for in turn


@dataclass(frozen=True)
class PlannerRow:
    """A network's numbers as ``estimated`` by the planner, and as they are: ``actual``.

    ``lut4``, ``flip_flops``, ``block_rams``: link and clocks included; ``cycles``: between frames.
    ``group``: ``unlike``, networks whose plans the planner chose, or ``reuse``, those on engines
    that reuse dot products.
    """

    network: str
    group: str
    lut4_estimated: int
    lut4_actual: int
    lut4_error: float
    flip_flops_estimated: int
    flip_flops_actual: int
    block_rams_estimated: int
    block_rams_actual: int
    cycles_estimated: int
    cycles_actual: int


@dataclass(frozen=True)
class PlannerReport:
    """The rows of ``subbit bench planner``, and the worst error of LUT4s in each group.

    ``too_large``: networks that were left out since no plan of theirs fits the board.
    """

    rows: tuple[PlannerRow, ...]
    worst_lut4_error: dict[str, float]
    too_large: tuple[str, ...] = ()

    @classmethod
    def of(cls, rows: Sequence[PlannerRow], too_large: Sequence[str] = ()) -> "PlannerReport":
        """The report on some rows."""
        groups = dict.fromkeys(row.group for row in rows)
        errors = {g: [row.lut4_error for row in rows if row.group == g] for g in groups}
        worst = {group: max(found, key=abs) for group, found in errors.items()}
        return cls(tuple(rows), worst, tuple(too_large))


def bench_planner(
    board: Board,
    folder: str | os.PathLike[str],
    *,
    count: int | None = None,
    calibration_file: Path | None = None,
    progress: Progress = SILENT,
) -> PlannerReport:
    """Ten networks that are unlike each other, planned for ``board``, and five on engines that
    reuse dot products, built below ``folder`` up to their packing: what ``subbit bench planner``
    does. With ``count`` the first so many of each.

    With ``calibration_file`` instead those of the calibration, which is written there. Raises
    SubbitError.
    """
    made = (calibration_networks() if calibration_file else test_networks())[:count]
    reuse = [] if calibration_file else reuse_networks()[:count]
    place = Path(folder) / ("calibration" if calibration_file else "test")
    measured = measure_plan(made, board, place, progress)
    reused = measure_reuse(reuse, board, place, progress)
    save_rows([*measured, *reused], place / "measured.json")
    if calibration_file:
        used = (tools.yosys(), tools.find_program(board.family.router))
        versions = {tool.name: str(tool.version) for tool in used}
        write_atomic(calibration_file, calibrate(measured, versions).to_json())
    rows = [measured_row("unlike", *row) for row in measured]
    rows += [measured_row("reuse", *row) for row in reused]
    fitting = {row.network for row in rows}
    names = [make().name for make in (*made, *(make for _, make in reuse))]
    return PlannerReport.of(rows, [name for name in names if name not in fitting])


def measure_reuse(
    made: Sequence[tuple[str, Callable[[], Network]]],
    board: Board,
    folder: Path,
    progress: Progress = SILENT,
) -> list[tuple[Planned, Resources]]:
    """Each network that fits the board, with an engine wherever that is for a layer, built up to
    packing.
    """
    rows = []
    for engine, make in made:
        network = make()
        progress.phase(network.name)
        for cycles in REUSE_CYCLES:
            plan = plan_with_engine(network, engine, board.device.fabric, cycles)
            result = planned(network, board, plan)
            if not lacking(result.cost, budget_of(network, board, Goal(reserve=0))):
                rows.append((result, packed(network, plan, board, folder / network.name)))
                break
    return rows


def plan_with_engine(network: Network, engine: str, fabric: str, cycles: int) -> Plan:
    """The smallest plan, but with ``engine`` for each layer that it is for, as nearly as may be
    ``cycles`` a frame. Raises PlanError where it is for none.
    """
    plan = smallest_plan(network)
    stages = []
    for stage in plan.stages:
        fitting = [s for s in stage.variants(network) if getattr(s, "engine", "") == engine]
        near = min(fitting, key=lambda s: abs(s.least_cycles(network) - cycles), default=stage)
        stages.append(near.with_popcount(fabric))
    if all(getattr(stage, "engine", "") != engine for stage in stages):
        raise PlanError(f"no layer of {network.name} has engine {engine!r}")
    return replace(plan, stages=tuple(stages))


def packed(network: Network, plan: Plan, board: Board, folder: Path) -> Resources:
    """Cells of the whole design for a board, as nextpnr packs them. Raises ToolError, FitError."""
    from subbit.hw.design.platform import prepare
    from subbit.hw.design.top import board_top
    from subbit.sw.flow.synth import synthesise
    from subbit.sw.flow.verilog import rtlil_to_verilog

    folder.mkdir(parents=True, exist_ok=True)
    design = prepare(board_top(network, plan, board), board, name="top")
    (folder / f"top.{board.family.constraints}").write_text(design.constraints)
    rtlil_to_verilog(design.rtlil, folder=folder, name="top")
    synthesise(folder, name="top", fabric=board.device.fabric)
    watch = FitWatch(board, network.name)
    run_tool(
        tools.find_program(board.family.router),
        [*board.family.place_arguments(board.device, "top"), "--pack-only"],
        folder=folder,
        log="pack.log",
        on_line=watch.line,
    )
    return watch.resources


def measure_plan(
    made: Sequence[Callable[[], Network]],
    board: Board,
    folder: Path,
    progress: Progress = SILENT,
) -> list[tuple[Planned, Resources]]:
    """Each network that fits the board, planned for a budget of its own and built up to packing."""
    rows = []
    for position, make in enumerate(made):
        network = make()
        progress.phase(network.name)
        try:
            result = plan_within(network, board, LUT4S[position % len(LUT4S)])
        except NothingFits:
            continue
        rows.append((result, packed(network, result.plan, board, folder / network.name)))
    return rows


def plan_within(network: Network, board: Board, lut4: int) -> Planned:
    """The plan of the highest rate within so many LUT4s, or twice as many where none is."""
    try:
        return least_plan(network, board, Goal(lut4=lut4))
    except NothingFits:
        return least_plan(network, board, Goal(lut4=2 * lut4))


def measured_row(group: str, result: Planned, found: Resources) -> PlannerRow:
    """Both sides of a network's numbers."""
    cycles = Pipeline(result.network, result.plan).cycles(4).interval_cycles
    said = result.design
    return PlannerRow(
        network=result.network.name,
        group=group,
        lut4_estimated=said.lut4,
        lut4_actual=found.lut4,
        lut4_error=round(said.lut4 / found.lut4 - 1, 4),
        flip_flops_estimated=said.flip_flops,
        flip_flops_actual=found.flip_flops,
        block_rams_estimated=said.block_rams,
        block_rams_actual=found.block_rams,
        cycles_estimated=result.timing.interval_cycles,
        cycles_actual=cycles,
    )


def calibrate(rows: Sequence[tuple[Planned, Resources]], versions: dict[str, str]) -> Calibration:
    """The share that packing adds and the host's own, by least squares of the relative errors."""
    fabric = rows[0][0].board.device.fabric
    costs = [total(unit_costs(result).values()) for result, _ in rows]
    lut4 = fitted([cost.lut4 for cost in costs], [found.lut4 for _, found in rows])
    flops = fitted([cost.flip_flops for cost in costs], [found.flip_flops for _, found in rows])
    spare = {
        found.block_rams
        - cost.block_rams
        - (result.host.block_rams - calibration(fabric).host.block_rams)
        for cost, (result, found) in zip(costs, rows, strict=True)
    }
    return Calibration(
        packing=(round(lut4[0], 4), round(flops[0], 4)),
        host=Cost(round(lut4[1]), round(flops[1]), max(0, min(spare))),
        period_ns=calibration(fabric).period_ns,
        measured={"networks": [result.network.name for result, _ in rows], "tools": versions},
        fabric=fabric,
    )


def unit_costs(result: Planned) -> dict[str, Cost]:
    """The units' own estimates, by class."""
    found: dict[str, Cost] = {}
    family = result.board.family
    for step in Pipeline(result.network, result.plan).steps:
        name = step.unit.kind()
        found[name] = found.get(name, Cost()) + family.cost(step.unit.cost())
    return found


def fitted(said: Sequence[int], actual: Sequence[int]) -> tuple[float, float]:
    """A factor and an offset."""
    y = np.array(actual, float)
    x = np.column_stack([said, np.ones(len(y))]) / y[:, None]
    found: NDArray[np.float64] = np.linalg.lstsq(x, np.ones(len(y)), rcond=None)[0]
    return float(found[0]), float(found[1])


def save_rows(rows: Sequence[tuple[Planned, Resources]], path: Path) -> None:
    """The measurements as JSON, beside the builds."""
    table: list[dict[str, Any]] = [
        {
            "network": result.network.name,
            "actual": vars(found),
            "units": {name: cost.counts for name, cost in unit_costs(result).items()},
        }
        for result, found in rows
    ]
    path.write_text(json.dumps(table, indent=1) + "\n")
