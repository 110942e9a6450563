"""Running a sweep: points side by side, each result kept as soon as it is there."""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from subbit.sw.atomic import write_atomic
from subbit.sw.errors import SubbitError
from subbit.sw.flow.parallel import cores
from subbit.sw.sweep.point import run_point
from subbit.sw.sweep.processes import Processes
from subbit.sw.sweep.spec import Point, Sweep, load_sweep

__all__ = ["FOLDER", "SweepResult", "pareto", "run_sweep"]

FOLDER = Path("build") / "sweeps"
Run = Callable[[Point, str], dict[str, Any]]
Told = Callable[[Point, dict[str, Any]], object]


@dataclass(frozen=True)
class SweepResult:
    """A row for each point, in the order of the sweep: the point's settings, ``key``, ``kept``
    (whether it was there before), and what came out, or the ``error``.
    """

    rows: tuple[dict[str, Any], ...]

    @property
    def failed(self) -> int:
        """Points without a result."""
        return sum("error" in row for row in self.rows)

    def summary(self) -> dict[str, Any]:
        """What ``subbit sweep --json`` prints."""
        best = pareto(self.rows)
        rows = [row | {"pareto": place in best} for place, row in enumerate(self.rows)]
        return {"points": len(rows), "failed": self.failed, "rows": rows}


def run_sweep(
    sweep: Sweep | str | os.PathLike[str],
    *,
    folder: str | os.PathLike[str] = FOLDER,
    jobs: int | None = None,
    executor: Executor | None = None,
    told: Told | None = None,
) -> SweepResult:
    """Run the points of a sweep, or of its file, that have no result yet.

    Results are kept in ``folder``, one file each, named by all that they depend on: an interrupted
    sweep goes on where it was, and sweeps share what they have in common. ``jobs``: processes, by
    default as many as processors; ``executor``: runs the points instead, such as Dask's. ``told``
    gets each point with its row as it comes. A point that fails has an ``error`` in its row; where
    the board is too small for it, that is kept, and otherwise it is tried again the next time.

    Raises SubbitError where the sweep cannot be read, or results not be written.
    """
    points = (sweep if isinstance(sweep, Sweep) else load_sweep(sweep)).points
    place = Path(folder)
    found = {point.key: row for point in points if (row := kept(place, point)) is not None}
    before = set(found)
    for point in points:
        if told is not None and point.key in before:
            told(point, found[point.key])
    missing = list({point.key: point for point in points if point.key not in found}.values())
    for point, row, lasting in outcomes(missing, place, jobs, executor):
        found[point.key] = row
        if lasting:
            keep(place, point, row)
        if told is not None:
            told(point, row)
    rows = [
        asdict(point) | {"key": point.key, "kept": point.key in before} | found[point.key]
        for point in points
    ]
    return SweepResult(tuple(rows))


def outcomes(
    points: Sequence[Point], place: Path, jobs: int | None, executor: Executor | None
) -> Iterator[tuple[Point, dict[str, Any], bool]]:
    """Each point with its row, and whether that lasts, in the order in which they come."""
    builds = str(place / "builds")
    if executor is not None:
        yield from submitted(points, executor, run_point, builds)
        return
    with Processes() as processes, ThreadPoolExecutor(jobs or cores()) as threads:
        try:
            yield from submitted(points, threads, processes.run, builds)
        except BaseException:
            threads.shutdown(wait=False, cancel_futures=True)
            processes.end()
            raise


def submitted(
    points: Sequence[Point], executor: Executor, run: Run, builds: str
) -> Iterator[tuple[Point, dict[str, Any], bool]]:
    """The outcomes of points by an executor."""
    futures = {executor.submit(run, point, builds): point for point in points}
    for future in as_completed(futures):
        try:
            yield futures[future], future.result(), True
        except (SubbitError, OSError, MemoryError) as error:
            row = {"error": " ".join(str(error).split()) or type(error).__name__}
            yield futures[future], row, False


def file_of(place: Path, point: Point) -> Path:
    """Where the result of a point is kept."""
    return place / "results" / f"{point.key}.json"


def kept(place: Path, point: Point) -> dict[str, Any] | None:
    """The result that is there; None where there is none, or what is there is none."""
    try:
        row = json.loads(file_of(place, point).read_text())
    except (OSError, ValueError):
        return None
    return row if isinstance(row, dict) and ("fps" in row or "error" in row) else None


def keep(place: Path, point: Point, row: dict[str, Any]) -> None:
    """Keep a result, whole or not at all."""
    try:
        write_atomic(file_of(place, point), json.dumps(row, indent=1) + "\n")
    except OSError as error:
        raise SubbitError(
            f"cannot keep a result in {place} ({error.strerror}); name another --folder"
        ) from None


def pareto(rows: Sequence[dict[str, Any]]) -> set[int]:
    """The rows that no other one beats: none has at least as many frames a second and as high an
    accuracy with at most as many LUT4s and weight bits, and is better in one of these.
    """
    scores = {
        place: (row["fps"], row["accuracy"] or 0.0, -row["lut4"], -row["weight_bits"])
        for place, row in enumerate(rows)
        if "error" not in row
    }
    return {
        place
        for place, mine in scores.items()
        if not any(
            other != mine and all(a >= b for a, b in zip(other, mine, strict=True))
            for other in scores.values()
        )
    }
