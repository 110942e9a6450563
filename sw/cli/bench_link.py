"""subbit bench link: frames over a serial line that damages bytes."""

from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from subbit.sw.cli.options import as_json, print_json
from subbit.sw.ir import load_network

__all__ = ["link_command"]


@click.command("link", short_help="Frames over a serial line that damages bytes.")
@click.argument("model", type=click.Path(path_type=Path), required=False)
@click.option(
    "--frames", type=click.IntRange(1), default=10_000, show_default=True, help="Frames to send."
)
@click.option(
    "--damage",
    type=click.FloatRange(0, 0.5),
    default=0.01,
    show_default=True,
    help="The share of the bytes that is damaged, in both directions.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="Of frames and damage.")
@as_json
def link_command(model: Path | None, frames: int, damage: float, seed: int, json_: bool) -> int:
    """Send frames as large as MODEL's, by default the digits', over a simulated serial line that
    flips bits, loses bytes and adds some; count what came of them.

    Exits with 1 if a result was wrong, a call did not end, or more than 1 % of the frames failed.

    \b
    Example: subbit bench link --json
             subbit bench link examples/digits-plain.safetensors --damage 0.02
    """
    from subbit.sw.bench.link import bench_link

    network = load_network(model) if model else None
    result = bench_link(network, frames=frames, damage=damage, seed=seed)
    if json_:
        print_json(asdict(result))
    else:
        table = Table(title="frames over a line that damages bytes", show_header=False)
        for name, value in asdict(result).items():
            table.add_row(name, str(value))
        Console().print(table)
    return 1 if result.wrong or result.hung or 100 * result.failed > result.frames else 0
