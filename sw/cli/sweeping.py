"""subbit sweep: many plans or builds, side by side."""

from pathlib import Path
from typing import Any

import click
from rich.markup import escape
from rich.table import Table

from subbit.sw.cli.console import plain_console
from subbit.sw.cli.options import as_json, print_json

__all__ = ["sweep_command"]

COLUMNS = ("right", "bits", "LUT4", "frames/s")


@click.command("sweep", short_help="Plan or build many points, and see which are worth having.")
@click.argument("sweep", type=click.Path(path_type=Path))
@click.option("--jobs", type=click.IntRange(1, 256), help="Processes; by default a processor each.")
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("build/sweeps"),
    show_default=True,
    help="Where results are kept, and shared between sweeps.",
)
@click.option("--out", type=click.Path(path_type=Path), help="Write the points as a page, too.")
@as_json
def sweep_command(
    sweep: Path, jobs: int | None, folder: Path, out: Path | None, json_: bool
) -> int:
    """Plan or build every combination of the lists in SWEEP, a TOML file.

    What has a result already is not done again, so that an interrupted sweep goes on. A point that
    fails is a row that says why; exits with 1 if there are any. Points that no other one beats in
    rate, accuracy, LUT4s and weight bits together are marked.

    \b
    Example: subbit sweep examples/sweeps/digits.toml --jobs 2
    """
    from subbit.sw.sweep.page import write_sweep
    from subbit.sw.sweep.run import run_sweep
    from subbit.sw.sweep.spec import load_sweep

    points = load_sweep(sweep)
    count = len({point.key for point in points.points})
    done = 0

    def told(point: Any, row: dict[str, Any]) -> None:
        nonlocal done
        done += 1
        what = row.get("error") or f"{row['fps']:,.0f} frames/s"
        click.echo(
            f"{done} of {count}: {Path(point.network).stem}, {point.board}: {what}", err=True
        )

    found = run_sweep(points, folder=folder, jobs=jobs, told=told)
    if out is not None:
        write_sweep(found, out)
    if json_:
        print_json(found.summary())
    else:
        show(found.summary()["rows"])
    return 1 if found.failed else 0


def show(rows: list[dict[str, Any]]) -> None:
    """Print the points as a table, what is best with a star, behind what has failed."""
    seeds = any(row["seed"] is not None for row in rows)
    table = Table(
        "", "network", "board", "goal", *["seed"] * seeds, *COLUMNS, box=None, padding=(0, 2, 0, 0)
    )
    for column in table.columns:
        column.no_wrap = True
    console = plain_console()
    for row in rows:
        rate = "max" if row["fps_wanted"] is None else f"{row['fps_wanted']:,.0f}/s"
        goal = rate if row["lut4_most"] is None else f"{rate}, {row['lut4_most']:,}"
        cells = [Path(row["network"]).stem, row["board"], goal, *[str(row["seed"])] * seeds]
        if "error" in row:
            console.print(f"{', '.join(cells)}: {row['error']}", highlight=False, markup=False)
            continue
        right = "" if row["accuracy"] is None else f"{row['accuracy']:.2%}"
        numbers = [f"{row[name]:,.0f}" for name in ("weight_bits", "lut4", "fps")]
        table.add_row("*" * row["pareto"], *map(escape, cells), right, *numbers)
    if table.row_count:
        console.print(table)
