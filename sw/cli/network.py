"""subbit info: what a network is."""

from pathlib import Path

import click
from rich.table import Table

from subbit.sw.cli.console import plain_console
from subbit.sw.cli.options import (
    as_json,
    model_argument,
    print_json,
)
from subbit.sw.ir import load_network
from subbit.sw.ir.describe import describe_network

__all__ = ["info_command"]


@click.command("info", short_help="Show the layers of a network.")
@model_argument
@as_json
def info_command(model: Path, json_: bool) -> None:
    """Show the layers of MODEL, their weights and what the file says of it.

    \b
    Example: subbit info examples/digits-plain.safetensors
    """
    network = load_network(model)
    if json_:
        print_json(describe_network(network))
        return
    table = Table(title=f"{network.name}  {network.digest[:12]}")
    for name, style in (("layer", "left"), ("kind", "left"), ("output", "left")):
        table.add_column(name, justify=style)  # type: ignore[arg-type]
    for name in ("encoding", "weights", "bits stored"):
        table.add_column(name, justify="right")
    table.add_row("input", "", str(network.input_type), "", "", "")
    for row in describe_network(network)["layers"]:
        table.add_row(
            row["name"],
            row["kind"],
            row["output"],
            row["encoding"] or "",
            f"{row['weights']:,}" if row["weights"] else "",
            f"{row['weight_bits']:,}" if row["weights"] else "",
        )
    table.add_section()
    table.add_row("all", "", "", "", f"{network.weight_count:,}", f"{network.weight_bits:,}")
    console = plain_console()
    console.print(table)
    for key, value in network.metadata.items():
        console.print(f"{key}: {value}", highlight=False, markup=False)
