"""subbit compare: two networks, plans or builds side by side."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.table import Table

from subbit.boards import Board
from subbit.sw.cli.console import plain_console
from subbit.sw.cli.options import as_json, print_json
from subbit.sw.cli.reporting import other_board_option

if TYPE_CHECKING:
    from subbit.sw.flow.compare import Comparison

__all__ = ["compare_command"]


@click.command("compare", short_help="Set two networks, plans or builds side by side.")
@click.argument("first", type=click.Path(path_type=Path))
@click.argument("second", type=click.Path(path_type=Path))
@other_board_option
@click.option("--out", type=click.Path(path_type=Path), help="Write the comparison as a page, too.")
@as_json
def compare_command(
    first: Path, second: Path, board: Board | None, out: Path | None, json_: bool
) -> None:
    """Set FIRST and SECOND side by side: networks, plans beside their networks, folders of builds.

    Accuracy is what the networks' files say; cells and clock are those of a build, else estimates
    for the board.

    \b
    Example: subbit compare examples/digits-plain.safetensors examples/digits-tiled.safetensors
             subbit compare build/digits-plain-ulx3s-85f build/digits-tiled-ulx3s-85f --out two.html
    """
    from subbit.sw.flow.compare import compare, write_comparison

    found = compare(first, second, board)
    if out is not None:
        write_comparison(found, out)
    if json_:
        print_json(found.summary())
    else:
        show(found)
        if out is not None:
            click.echo(f"written to {out}", err=True)


def show(found: "Comparison") -> None:
    """Print what differs."""
    table = Table()
    table.add_column("", style="bold")
    for name in (*found.names, "change"):
        table.add_column(name, justify="right", overflow="fold")
    for row in found.rows:
        values = [shown(row[side]) for side in ("a", "b")]
        change = "" if row["change"] is None else f"{row['change']:+.1%}"
        if row["better"] is not None:
            values[row["better"]] = f"[bold]{values[row['better']]}[/]"
        table.add_row(row["name"], *values, change)
    console = plain_console()
    console.print(table)
    for row in found.layers:
        if row["differs"]:
            line = f"layer {row['name']}: {', '.join(row['differs'])}"
            console.print(line, highlight=False, markup=False)
    for row in found.stages:
        settings = ", ".join(f"{key} {a} and {b}" for key, (a, b) in row["settings"].items())
        line = f"stage {', '.join(row['layers'])}: {settings}"
        console.print(line, highlight=False, markup=False)


def shown(value: Any) -> str:
    """A figure."""
    return "unknown" if value is None else f"{value:,}"
