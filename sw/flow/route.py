"""Place and route for ECP5, with nextpnr."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from subbit.boards import Board
from subbit.sw.errors import ToolError
from subbit.sw.flow import tools
from subbit.sw.flow.fit import FitWatch, Resources
from subbit.sw.flow.process import run_tool
from subbit.sw.flow.progress import SILENT, Progress

__all__ = ["Routed", "place_and_route"]

SIZE_FLAGS = {
    "LFE5U-12F": "--12k",
    "LFE5U-25F": "--25k",
    "LFE5U-45F": "--45k",
    "LFE5U-85F": "--85k",
}
STEP = re.compile(r"^Info: (Packing \w+|Promoting|Creating initial|Running [\w ]+|Routing)")
REMAINING = re.compile(r"^Info:\s+\d+ \|.*\|\s+(\d+)\|")


@dataclass(frozen=True)
class Routed:
    """What nextpnr made: the textual configuration, what it takes, and what it reaches.

    ``fmax_hz``: frequency reached and frequency asked for, of each clock.
    """

    config: Path
    resources: Resources
    fmax_hz: tuple[tuple[float, float], ...]

    def fmax_of(self, target_hz: float) -> float:
        """The frequency in Hz that the clock reaches which was asked to run at ``target_hz``."""
        for reached, asked in self.fmax_hz:
            if abs(asked - target_hz) < 1e-3 * target_hz:
                return reached
        raise ToolError(f"nextpnr reports no clock constrained to {target_hz / 1e6:.2f} MHz")


def place_and_route(
    folder: Path, board: Board, *, name: str, design: str, progress: Progress = SILENT
) -> Routed:
    """Place and route ``name``.json with ``name``.lpf, both in ``folder``, into ``name``.config.

    ``design`` is what messages call it. Raises FitError if it is too large, else ToolError.
    """
    watch = FitWatch(board, design)
    run_tool(
        tools.nextpnr(),
        [
            SIZE_FLAGS[board.device.name],
            *("--package", board.device.package, "--speed", str(board.device.speed)),
            *("--json", f"{name}.json", "--lpf", f"{name}.lpf", "--textcfg", f"{name}.config"),
            *("--report", "report.json", "--seed", "1", "--timing-allow-fail"),
        ],
        folder=folder,
        log="route.log",
        on_line=both(watch.line, progress),
    )
    report = json.loads((folder / "report.json").read_text())
    (folder / "report.json").unlink()
    (folder / "timing.json").write_text(json.dumps(shortened(report), indent=1, sort_keys=True))
    clocks = report["fmax"].values()
    return Routed(
        folder / f"{name}.config",
        Resources.of_cells({kind: row["used"] for kind, row in report["utilization"].items()}),
        tuple((clock["achieved"] * 1e6, clock["constraint"] * 1e6) for clock in clocks),
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
