"""subbit bench import: random graphs imported, and compared with the executor of their source."""

from dataclasses import asdict

import click
from rich.progress import Progress
from rich.table import Table

from subbit.sw.cli.console import plain_console
from subbit.sw.cli.options import as_json, print_json

__all__ = ["import_command"]


@click.command("import", short_help="Random graphs, imported and compared with their source.")
@click.option(
    "--graphs", type=click.IntRange(1), default=5_000, show_default=True, help="Graphs to draw."
)
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=1,
    show_default=True,
    help="Of the first graph; the others' follow.",
)
@as_json
def import_command(graphs: int, seed: int, json_: bool) -> int:
    """Draw random ONNX and QONNX graphs, import each, and compare what network and source give.

    A graph agrees, or is refused with an error; exits with 1 if one is wrong or ends in a
    traceback. Its seed makes it again: --graphs 1 --seed SEED.

    \b
    Example: subbit bench import --json
             subbit bench import --graphs 300 --seed 7
    """
    from subbit.sw.bench.imports import bench_import

    with Progress(console=plain_console(stderr=True), transient=True) as bars:
        task = bars.add_task("importing", total=graphs)
        result = bench_import(graphs, seed, lambda done: bars.update(task, completed=done))
    if json_:
        print_json(asdict(result))
    else:
        console = plain_console()
        table = Table(title=f"random graphs, seeds {seed} to {seed + graphs - 1}")
        for name in ("graphs", "agree", "refused", "wrong", "tracebacks"):
            table.add_column(name, justify="right")
        counts = (result.graphs, result.agree, result.refused, result.wrong, result.tracebacks)
        table.add_row(*map(str, counts))
        console.print(table)
        lines = [f"{count} refused: {reason}" for reason, count in result.reasons.items()]
        lines += [
            f"seed {row.seed}: {row.outcome}: {row.reason}: {', '.join(row.rows)}"
            for row in result.failures
        ]
        for line in lines:
            console.print(line, highlight=False, markup=False, soft_wrap=True)
    return 1 if result.wrong or result.tracebacks else 0
