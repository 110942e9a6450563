"""subbit sim: the RTL against the golden model."""

from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.table import Table

from subbit.boards import Board
from subbit.sw.cli.console import plain_console
from subbit.sw.cli.data_options import data_kind_option, data_option
from subbit.sw.cli.options import (
    as_json,
    board_option,
    chosen_plan,
    plan_option,
    print_json,
    report_option,
)
from subbit.sw.ir import load_network

if TYPE_CHECKING:
    from subbit.sim.run import SimResult

__all__ = ["sim_command"]


@click.command("sim", short_help="Simulate the RTL and compare it with the golden model.")
@click.argument("model", type=click.Path(path_type=Path), required=False)
@click.option("--components", is_flag=True, help="Simulate each component alone; without MODEL.")
@board_option
@plan_option
@data_option
@data_kind_option
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
@click.option(
    "--mapped", is_flag=True, help="Simulate the cells that synthesis maps to, instead of the RTL."
)
@report_option
@as_json
def sim_command(
    model: Path | None,
    components: bool,
    board: Board,
    plan: Path | None,
    data: Path | None,
    kind: str | None,
    frames: int,
    backpressure: str,
    seed: int,
    waves: bool,
    mapped: bool,
    report: bool,
    json_: bool,
) -> int:
    """Simulate the RTL of MODEL on test images and compare every stream with the golden model.

    What was found goes into build/sim/NETWORK/report.html, too. Exits with 1 if any element
    differs; the first is named: layer, pixel, channel, expected, got.

    \b
    Example: subbit sim examples/digits-plain.safetensors --frames 20 --backpressure random --seed 1
             subbit sim mine.safetensors --data pictures/
             subbit sim --components
    """
    if components == (model is not None):
        raise click.UsageError("name one network, or --components and none")
    if model is None:
        return run_components(frames, backpressure, seed, waves, json_)
    from subbit.sim.gates import simulate_mapped
    from subbit.sim.run import simulate
    from subbit.sw.flow.progress import ConsoleProgress

    network = load_network(model)
    chosen = chosen_plan(network, board, plan)
    with ConsoleProgress() as progress:
        run = partial(simulate_mapped, fabric=board.device.fabric) if mapped else simulate
        result = run(
            *(network, chosen),
            frames=frames,
            backpressure=backpressure,
            seed=seed,
            waves=waves,
            data=data,
            kind=kind,
            progress=progress,
            report_on=board if report else None,
        )
    if json_:
        print_json(result.summary())
    else:
        show(result)
    return 1 if result.mismatches else 0


def run_components(frames: int, backpressure: str, seed: int, waves: bool, json_: bool) -> int:
    """Simulate every component on random input, and print what was found."""
    from subbit.sim.components import simulate_components
    from subbit.sw.flow.progress import ConsoleProgress

    with ConsoleProgress() as progress:
        results = simulate_components(
            frames=frames, backpressure=backpressure, seed=seed, waves=waves, progress=progress
        )
    if json_:
        print_json([asdict(result) for result in results])
    else:
        table = Table("component", "kind", "frames", "cycles", "mismatches", "first difference")
        for row in results:
            found = str(row.first_difference or "")
            table.add_row(
                row.name, row.kind, str(row.frames), str(row.cycles), str(row.mismatches), found
            )
        plain_console().print(table)
    return 1 if any(result.mismatches for result in results) else 0


def show(result: "SimResult") -> None:
    """Print the result as a table, and the first difference below it."""
    table = Table(title=f"simulation of {result.network}", show_header=False)
    for name, value in result.summary().items():
        if name not in ("network", "first_difference") and value not in (None, ()):
            text = ", ".join(value) if name in ("labels", "wanted") else str(value)
            table.add_row(name, text)
    plain_console().print(table)
    if result.first_difference is not None:
        click.echo(f"first difference: {result.first_difference}")
