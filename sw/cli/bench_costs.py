"""subbit bench costs: what units say they cost against what synthesis makes of them."""

from dataclasses import asdict

import click
from rich.table import Table

from subbit.sw.cli.console import plain_console
from subbit.sw.cli.options import as_json, print_json

__all__ = ["costs_command"]

CELLS = ("lut4", "flip_flops", "block_rams", "multipliers")


@click.command("costs", short_help="What units say they cost, and what they take.")
@click.option(
    "--family",
    "families",
    multiple=True,
    type=click.Choice(("ecp5", "ice40")),
    default=("ecp5", "ice40"),
    show_default=True,
    help="Map for this one; may be given again.",
)
@click.option("--kind", "kinds", multiple=True, help="Only units of this kind, such as Downsize.")
@click.option("--quick", is_flag=True, help="Leave out the cases that take long to map.")
@as_json
def costs_command(
    families: tuple[str, ...], kinds: tuple[str, ...], quick: bool, json_: bool
) -> int:
    """Map units of every kind with Yosys, and compare their cells with their estimates.

    Exits with 1 if LUT4s or flip-flops of any unit are off by more than 15 % and more than 25
    cells, or block RAMs or multipliers at all. A carry cell counts two LUT4s on an ECP5; LUT4s of
    an iCE40 are logic cells. All of them take some minutes.

    \b
    Example: subbit bench costs --json
             subbit bench costs --family ecp5 --kind Downsize --kind Upsize
    """
    from subbit.sw.bench.costs import bench_costs
    from subbit.sw.flow.progress import ConsoleProgress

    with ConsoleProgress() as progress:
        report = bench_costs(families, kinds=kinds, quick=quick, progress=progress)
    if json_:
        print_json(asdict(report))
        return 0 if report.holds else 1
    table = Table(title="said, mapped")
    for name in ("family", "unit", *CELLS):
        table.add_column(name, justify="right" if name in CELLS else "left")
    for row in report.rows:
        cells = asdict(row)
        pairs = [f"{cells[f'{name}_said']:,} {cells[f'{name}_mapped']:,}" for name in CELLS]
        table.add_row(row.family, row.unit, *pairs, style=None if row.holds else "red")
    plain_console().print(table)
    click.echo(f"worst error of LUT4s: {report.worst_lut4_error:+.1%}")
    if report.too_large:
        click.echo(f"larger than any board: {', '.join(report.too_large)}")
    return 0 if report.holds else 1
