"""Place and route, with nextpnr."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from subbit.boards import Board
from subbit.hw.families.family import Family
from subbit.sw.errors import ToolError
from subbit.sw.flow.cells import netlist_cells
from subbit.sw.flow.fit import FitWatch, Resources
from subbit.sw.flow.parallel import cores, in_parallel
from subbit.sw.flow.placement import placement, placement_text
from subbit.sw.flow.process import run_tool
from subbit.sw.flow.progress import SILENT, Progress
from subbit.sw.flow.tools import find_program

__all__ = ["Routed", "place_and_route"]

STEP = re.compile(r"^Info: (Packing \w+|Promoting|Creating initial|Running [\w ]+|Routing)")
ASKED = re.compile(r"Max frequency for clock +'(.+)': .* at ([0-9.]+) MHz\)")
TARGET = re.compile(r'("target_freq": )"[^"]*"')
REMAINING = re.compile(r"^Info:\s+\d+ \|.*\|\s+(\d+)\|")


@dataclass(frozen=True)
class Routed:
    """What nextpnr made: the textual configuration, what it takes, and what it reaches.

    ``fmax_hz``: frequency reached and frequency asked for, of each clock; ``seed``: of this run.
    """

    config: Path
    resources: Resources
    fmax_hz: tuple[tuple[float, float], ...]
    seed: int = 1

    def fmax_of(self, target_hz: float) -> float:
        """The frequency in Hz that the clock reaches which was asked to run at ``target_hz``."""
        for reached, asked in self.fmax_hz:
            if abs(asked - target_hz) < 1e-3 * target_hz:
                return reached
        raise ToolError(f"nextpnr reports no clock constrained to {target_hz / 1e6:.2f} MHz")

    @property
    def rank(self) -> tuple[bool, float]:
        """What makes a run better: that slow clocks are met, then that the fastest one is high."""
        *slow, fast = sorted(self.fmax_hz, key=lambda clock: clock[1])
        return all(reached >= asked for reached, asked in slow), fast[0]


def place_and_route(
    folder: Path,
    board: Board,
    *,
    name: str,
    design: str,
    seeds: Sequence[int] = (1,),
    placer: str | None = None,
    route_mhz: float | None = None,
    where: bool = False,
    progress: Progress = SILENT,
) -> Routed:
    """Place and route ``name``.json with its pin constraints, both in ``folder``; the routed
    configuration is ``name`` with its family's ending.

    With several ``seeds`` they are tried in parallel, as many as there are processors, and the one
    with the fastest clock is kept. ``placer``: nextpnr's, ``heap`` or ``static``, instead of the
    one for the design's size. ``route_mhz``: route in a second run of nextpnr, which begins with
    the placement of the first one and with the seed anew, and drives all clocks to that. ``where``:
    write placement.json, too. ``design`` is what messages call it. Raises FitError if it is too
    large, else ToolError.
    """

    chosen = ("--placer", placer) if placer else size_arguments(folder / f"{name}.json", board)

    def run(seed: int, on_line: Callable[[str], None]) -> Routed:
        return route(folder, board, name, design, seed, chosen, route_mhz, where, progress, on_line)

    found = in_parallel(seeds, run, min(len(seeds), cores()))
    best = max(found, key=lambda routed: routed.rank)
    for routed in found:
        if routed is not best:
            for path in (
                routed.config,
                log_of(folder, routed.seed),
                timing_of(folder, routed.seed),
            ):
                path.unlink()
            written_of(folder, routed.seed).unlink(missing_ok=True)
            placed_of(folder, routed.seed).with_suffix(".log").unlink(missing_ok=True)
    if route_mhz is not None:
        placed_of(folder, best.seed).with_suffix(".log").rename(folder / "place.log")
    if where:
        keep_placement(written_of(folder, best.seed), board, folder / "placement.json")
    log_of(folder, best.seed).rename(folder / "route.log")
    timing_of(folder, best.seed).rename(folder / "timing.json")
    return replace(best, config=best.config.rename(folder / f"{name}.{board.family.config}"))


def size_arguments(netlist: Path, board: Board) -> Sequence[str]:
    """nextpnr's arguments for a netlist's size, by the rule of the board's family."""
    family = board.family
    if not family.large_arguments:
        return ()
    least, most = family.large_lut4(board.device)
    return family.large_arguments if least < netlist_cells(netlist).lut4_places <= most else ()


def log_of(folder: Path, seed: int) -> Path:
    """The log of a seed."""
    return folder / f"route{seed}.log"


def placed_of(folder: Path, seed: int) -> Path:
    """The placed netlist of a seed; the log of placing it has the same name."""
    return folder / f"placed{seed}.json"


def written_of(folder: Path, seed: int) -> Path:
    """The routed netlist of a seed."""
    return folder / f"written{seed}.json"


def keep_placement(netlist: Path, board: Board, path: Path) -> None:
    """Write where the cells of a routed netlist are, and remove that, which is large."""
    path.write_text(placement_text(placement(netlist, board.family, board.device)))
    netlist.unlink()


def nextpnr(
    family: Family, arguments: list[str], log: Path, on_line: Callable[[str], None]
) -> None:
    """One run, in the folder of its log. Raises FitError or ToolError."""
    program = find_program(family.router)
    run_tool(program, arguments, folder=log.parent, log=log.name, on_line=on_line)


def drive(placed: Path, hz: float) -> dict[str, float]:
    """Drive the clocks of a placed netlist to so many Hz; returns by clock what the placer was
    asked for, in MHz. A netlist keeps no constraints but the frequency of clocks without one.

    Raises ToolError where it has none.
    """
    goal = rf'\g<1>"{hz:.6f}"'
    text, found = TARGET.subn(goal, placed.read_text())
    if found != 1:
        raise ToolError(f"{placed} has {found} target frequencies; there should be one")
    placed.write_text(text)
    log = placed.with_suffix(".log").read_text()
    return {name: float(mhz) for name, mhz in ASKED.findall(log)}


def timing_of(folder: Path, seed: int) -> Path:
    """The timing report of a seed."""
    return folder / f"timing{seed}.json"


def route(
    folder: Path,
    board: Board,
    name: str,
    design: str,
    seed: int,
    more: Sequence[str],
    route_mhz: float | None,
    where: bool,
    progress: Progress,
    on_line: Callable[[str], None],
) -> Routed:
    """``place_and_route`` with one seed, whose files have it in their names, and with ``more``
    arguments, in two runs with a ``route_mhz``.
    """
    family, watch, said = board.family, FitWatch(board, design), f"report{seed}.json"
    config = f"{name}{seed}.{family.config}"

    def line(text: str) -> None:
        on_line(text)
        watch.line(text)

    asked: dict[str, float] = {}
    common = ["--seed", str(seed), "--timing-allow-fail", *more]
    netlist = family.place_arguments(board.device, name)
    if route_mhz is not None:
        placed = placed_of(folder, seed)
        arguments = [*netlist, "--no-route", "--write", placed.name, *common]
        nextpnr(family, arguments, placed.with_suffix(".log"), both(line, progress))
        pins = family.pin_arguments(name)
        netlist = [*family.device_arguments(board.device), "--json", placed.name, *pins]
        netlist += ["--no-pack", "--no-place"]
        asked = drive(placed, 1e6 * route_mhz)
    arguments = [*netlist, *(family.output, config, "--report", said), *common]
    if where:
        arguments += ["--write", written_of(folder, seed).name]
    nextpnr(family, arguments, log_of(folder, seed), both(line, progress))
    placed_of(folder, seed).unlink(missing_ok=True)
    report = json.loads((folder / said).read_text())
    (folder / said).unlink()
    timing = json.dumps(shortened(report), indent=1, sort_keys=True)
    timing_of(folder, seed).write_text(timing)
    clocks = {name: (row["achieved"], row["constraint"]) for name, row in report["fmax"].items()}
    used = {kind: row["used"] for kind, row in report["utilization"].items()}
    return Routed(
        folder / config,
        Resources.of_cells(used | watch.cells, family),
        tuple((mhz * 1e6, asked.get(name, goal) * 1e6) for name, (mhz, goal) in clocks.items()),
        seed,
    )


def both(watch: Callable[[str], None], progress: Progress) -> Callable[[str], None]:
    """A reader of nextpnr's lines that shows what goes on and lets ``watch`` see each line."""

    def on_line(line: str) -> None:
        if found := STEP.match(line):
            progress.detail(found.group(1).lower())
        elif found := REMAINING.match(line):
            progress.detail(f"routing, {found.group(1)} wires left")
        watch(line)

    return on_line


def shortened(report: dict[str, Any]) -> dict[str, Any]:
    """nextpnr's report without the places of source files, which differ between machines."""
    for path in report.get("critical_paths", []):
        for step in path["path"]:
            step.pop("sources", None)
    return {key: report[key] for key in ("fmax", "utilization", "critical_paths") if key in report}
