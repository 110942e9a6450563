"""subbit bench planner: the planner's estimates against what is built."""

import json
from dataclasses import asdict
from pathlib import Path

import click
from rich.table import Table

from subbit.boards import Board
from subbit.sw.atomic import write_atomic
from subbit.sw.cli.console import plain_console
from subbit.sw.cli.options import as_json, board_option, print_json

__all__ = ["planner_command"]

COLUMNS = ("lut4", "flip_flops", "block_rams", "cycles")


@click.command("planner", short_help="The planner's estimates against what is built.")
@board_option
@click.option(
    "--calibrate",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Build the networks of the calibration instead, and write it to this file.",
)
@click.option("--count", type=click.IntRange(1), help="Only so many networks of each group.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("build/bench/planner"),
    show_default=True,
    help="Folder for the builds and report.json.",
)
@as_json
def planner_command(
    board: Board, calibrate: Path | None, count: int | None, out: Path, json_: bool
) -> None:
    """Plan ten networks that are unlike each other, and build each up to its packing.

    Five more have layers on the engines that reuse dot products. Compares LUT4s, flip-flops, block
    RAMs and cycles with what the planner said, and gives the worst error of each group.

    The networks have random weights of fixed seeds. With --calibrate eight others are built, from
    which the corrections of the planner's estimates are worked out: the calibration.json of a
    family in hw/families/. Half a minute a network.

    \b
    Example: subbit bench planner --json
             subbit bench planner --calibrate hw/families/ecp5/calibration.json
    """
    from subbit.sw.bench.planner import bench_planner
    from subbit.sw.flow.progress import ConsoleProgress

    with ConsoleProgress() as progress:
        found = bench_planner(
            board, out, count=count, calibration_file=calibrate, progress=progress
        )
    report = asdict(found)
    if calibrate:
        click.echo(f"written to {calibrate}", err=True)
    write_atomic(out / "report.json", json.dumps(report, indent=2) + "\n")
    if json_:
        print_json(report)
        return
    table = Table(title=f"planned for {board.name}: estimated, actual")
    table.add_column("network")
    for name in COLUMNS:
        table.add_column(name, justify="right")
    for row in report["rows"]:
        cells = [f"{row[f'{name}_estimated']:,} {row[f'{name}_actual']:,}" for name in COLUMNS]
        cells[0] += f" ({row['lut4_error']:+.1%})"
        table.add_row(row["network"], *cells)
    plain_console().print(table)
    for group, error in found.worst_lut4_error.items():
        click.echo(f"worst error of LUT4s, {group}: {error:+.1%}")
    if found.too_large:
        click.echo(f"too large for {board.name}: {', '.join(found.too_large)}")
