"""subbit info, subbit plan: a network and its plan."""

from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from subbit.boards import Board
from subbit.sw.cli.options import (
    as_json,
    board_option,
    chosen_plan,
    model_argument,
    plan_option,
    print_json,
)
from subbit.sw.ir import Layer, Network, Weights, load_network
from subbit.sw.ir.planes import branches_of
from subbit.sw.plan import Plan

__all__ = ["info_command", "plan_command"]


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
        print_json(describe(network))
        return
    table = Table(title=f"{network.name}  {network.digest[:12]}")
    for name, style in (("layer", "left"), ("kind", "left"), ("output", "left")):
        table.add_column(name, justify=style)  # type: ignore[arg-type]
    for name in ("encoding", "weights", "bits stored"):
        table.add_column(name, justify="right")
    table.add_row("input", "", str(network.input_type), "", "", "")
    for row in describe(network)["layers"]:
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
    console = Console()
    console.print(table)
    for key, value in network.metadata.items():
        console.print(f"{key}: {value}", highlight=False, markup=False)


def describe(network: Network) -> dict[str, Any]:
    """The network as JSON values, without its weights."""
    return {
        "name": network.name,
        "digest": network.digest,
        "input": str(network.input_type),
        "weights": network.weight_count,
        "weight_bits": network.weight_bits,
        "layers": [
            {
                "name": node.name,
                "kind": node.layer.kind,
                "output": str(network.types[node.name]),
                "encoding": encoding(node.layer),
                "weights": node.layer.weight_count,
                "weight_bits": node.layer.weight_bits,
            }
            for node in network.nodes
        ],
        "metadata": network.metadata,
    }


def encoding(layer: Layer) -> str | None:
    """How the layer's weights are encoded, each bit plane where there are several; None if none."""
    weights = getattr(layer, "weights", None)
    if not isinstance(weights, Weights):
        return None
    return " + ".join(
        plane.encoding if scale == 1 else f"{scale} {plane.encoding}"
        for scale, plane in branches_of(weights)
    )


@click.command("plan", short_help="Show or write the plan of a network.")
@model_argument
@board_option
@plan_option
@click.option("--out", type=click.Path(path_type=Path), help="Where to write the plan, to edit it.")
@as_json
def plan_command(
    model: Path, board: Board, plan: Path | None, out: Path | None, json_: bool
) -> None:
    """Show the default plan of MODEL for a board, or check an edited one; write it with --out.

    \b
    Example: subbit plan examples/digits-plain.safetensors --out plan.json
             subbit bitstream examples/digits-plain.safetensors --plan plan.json
    """
    from subbit.sw.plan import save_plan

    network = load_network(model)
    chosen = chosen_plan(network, board, plan)
    rows = estimates(network, chosen)
    if out is not None:
        save_plan(chosen, out)
    if json_:
        print_json(rows)
    else:
        show(network, rows)
        if out is not None:
            click.echo(f"written to {out}", err=True)


def estimates(network: Network, plan: Plan) -> dict[str, Any]:
    """What the plan's stages cost and how long they take, as JSON values."""
    from subbit.sw.pipeline import Pipeline
    from subbit.sw.planner import estimate

    pipeline = Pipeline(network, plan)
    return {
        "network": network.name,
        "interval_cycles": pipeline.interval_cycles,
        "latency_cycles": pipeline.latency_cycles,
        "stages": [
            row.stage.to_json()
            | {"cycles": row.cycles, "lut4": row.cost.lut4, "block_rams": row.cost.block_rams}
            for row in estimate(network, plan)
        ],
    }


def show(network: Network, rows: dict[str, Any]) -> None:
    """Print the plan as a table."""
    table = Table(title=f"plan of {network.name} (LUT4 and block RAMs are estimates)")
    table.add_column("stage")
    for name in ("folding", "cycles", "LUT4", "block RAMs"):
        table.add_column(name, justify="right")
    known = ("layers", "kind", "cycles", "lut4", "block_rams")
    for row in rows["stages"]:
        folding = " ".join(f"{key}={value}" for key, value in row.items() if key not in known)
        table.add_row(
            ", ".join(row["layers"]),
            folding,
            f"{row['cycles']:,}",
            f"{row['lut4']:,}",
            f"{row['block_rams']:,}",
        )
    console = Console()
    console.print(table)
    console.print(
        f"one frame every {rows['interval_cycles']:,} cycles, "
        f"each after {rows['latency_cycles']:,} cycles",
        highlight=False,
    )
