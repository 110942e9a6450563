"""subbit sim: the RTL against the golden model."""

from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from subbit.boards import Board
from subbit.sw.cli.options import (
    as_json,
    board_option,
    chosen_plan,
    data_option,
    model_argument,
    plan_option,
    print_json,
)
from subbit.sw.ir import load_network

__all__ = ["sim_command"]


@click.command("sim", short_help="Simulate the RTL and compare it with the golden model.")
@model_argument
@board_option
@plan_option
@data_option
@click.option(
    "--frames", type=click.IntRange(1), default=20, show_default=True, help="Test images."
)
@click.option(
    "--backpressure",
    type=click.Choice(["none", "random"]),
    default="none",
    show_default=True,
    help="Whether source and sink pause at random; cycles are checked only without.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="Of the random pauses.")
@click.option("--waves", is_flag=True, help="Keep the waveforms.")
@as_json
def sim_command(
    model: Path,
    board: Board,
    plan: Path | None,
    data: Path | None,
    frames: int,
    backpressure: str,
    seed: int,
    waves: bool,
    json_: bool,
) -> int:
    """Simulate the RTL of MODEL on test images and compare every stream with the golden model.

    Exits with 1 at the first difference, which is named: layer, pixel, channel, expected, got.

    \b
    Example: subbit sim examples/digits-plain.safetensors --frames 20 --backpressure random --seed 1
    """
    from subbit.sim.run import simulate
    from subbit.sw.evaluate import load_frames

    network = load_network(model)
    chosen = chosen_plan(network, board, plan)
    images = load_frames(network, data, frames)
    result = simulate(
        network, chosen, images.codes, backpressure=backpressure, seed=seed, waves=waves
    )
    if json_:
        print_json(result.summary())
    else:
        table = Table(title=f"simulation of {network.name}", show_header=False)
        for name, value in result.summary().items():
            table.add_row(name, str(value))
        Console().print(table)
    return 1 if result.mismatches else 0
