"""The planner's estimates against what is built, and the calibration that they rest on.

A network's cells are counted by nextpnr once it has packed the netlist for the device: placing and
routing changes their number no more. Cycles are those of the model that keeps a trace, which the
simulation is held to elsewhere; here they check the planner's own, compiled one.
"""

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subbit.boards import Board
from subbit.hw.contract.cost import Cost
from subbit.sw.atomic import write_atomic
from subbit.sw.bench.unlike import calibration_networks, test_networks
from subbit.sw.flow import tools
from subbit.sw.flow.fit import FitWatch, Resources
from subbit.sw.flow.process import run_tool
from subbit.sw.flow.progress import SILENT, Progress
from subbit.sw.ir.network import Network
from subbit.sw.lower.pipeline import Pipeline
from subbit.sw.lower.plan import Plan
from subbit.sw.planner.calibration import Calibration, Line, calibration
from subbit.sw.planner.goal import Goal, NothingFits, Planned, least_plan

__all__ = [
    "PlannerRow",
    "bench_planner",
    "calibrate",
    "measure_plan",
    "measured_row",
    "packed",
    "save_rows",
]

LUT4S = (2000, 1200, 3500)  # budgets that the networks are planned for in turn
TRUST = 0.02  # how much of the squared error a factor of 2 instead of 1 is worth


@dataclass(frozen=True)
class PlannerRow:
    """A network's numbers as ``estimated`` by the planner, and as they are: ``actual``.

    ``lut4``, ``flip_flops``, ``block_rams``: link and clocks included; ``cycles``: between frames.
    """

    network: str
    lut4_estimated: int
    lut4_actual: int
    lut4_error: float
    flip_flops_estimated: int
    flip_flops_actual: int
    block_rams_estimated: int
    block_rams_actual: int
    cycles_estimated: int
    cycles_actual: int


def bench_planner(
    board: Board,
    folder: str | os.PathLike[str],
    *,
    count: int | None = None,
    calibration_file: Path | None = None,
    progress: Progress = SILENT,
) -> list[PlannerRow]:
    """Ten networks that are unlike each other, or the first ``count``, planned for ``board`` and
    built below ``folder`` up to their packing: what ``subbit bench planner`` does.

    With ``calibration_file`` instead those of the calibration, which is written there. Raises
    SubbitError.
    """
    made = (calibration_networks() if calibration_file else test_networks())[:count]
    place = Path(folder) / ("calibration" if calibration_file else "test")
    measured = measure_plan(made, board, place, progress)
    save_rows(measured, place / "measured.json")
    if calibration_file:
        used = (tools.yosys(), tools.find_program(board.family.router))
        versions = {tool.name: str(tool.version) for tool in used}
        write_atomic(calibration_file, calibrate(measured, versions).to_json())
    return [measured_row(*row) for row in measured]


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


def measured_row(result: Planned, found: Resources) -> PlannerRow:
    """Both sides of a network's numbers."""
    cycles = Pipeline(result.network, result.plan).cycles(4).interval_cycles
    said = result.design
    return PlannerRow(
        network=result.network.name,
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
    """A factor for each class of unit, and the host's share, by least squares of the relative
    errors, kept near 1 where the networks tell little of a class.
    """
    fabric = rows[0][0].board.device.fabric
    costs = [unit_costs(result) for result, _ in rows]
    names = sorted({name for row in costs for name in row})
    lut4, host_lut4 = fitted(costs, names, [found.lut4 for _, found in rows], "lut4")
    flops, host_flops = fitted(costs, names, [f.flip_flops for _, f in rows], "flip_flops")
    spare = {
        found.block_rams
        - sum(cost.block_rams for cost in row.values())
        - (result.host.block_rams - calibration(fabric).host.block_rams)
        for row, (result, found) in zip(costs, rows, strict=True)
    }
    host = Cost(round(host_lut4), round(host_flops), max(0, min(spare)))
    return Calibration(
        units={
            name: (Line(a, 0.0), Line(b, 0.0))
            for name, a, b in zip(names, lut4, flops, strict=True)
        },
        host=host,
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


def fitted(
    costs: Sequence[dict[str, Cost]], names: Sequence[str], actual: Sequence[int], of: str
) -> tuple[list[float], float]:
    """Factors of the classes, and what is there without any."""
    y = np.array(actual, float)
    x = np.array([[getattr(row.get(name, Cost()), of) for name in names] for row in costs], float)
    a = np.hstack([x, np.full((len(y), 1), 500.0)]) / y[:, None]
    # Unknowns are differences from 1, each weighted against the errors.
    rest = 1 - a.sum(axis=1)
    keep = np.diag([TRUST**0.5] * len(names) + [1e-3])
    stacked = np.vstack([a, keep])
    wanted = np.concatenate([rest, np.zeros(len(names) + 1)])
    found: NDArray[np.float64] = np.linalg.lstsq(stacked, wanted, rcond=None)[0] + 1
    return [float(factor) for factor in found[:-1]], float(found[-1]) * 500.0


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
