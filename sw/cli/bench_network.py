"""subbit bench network: one network on one board, with what it gets right."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from subbit.boards import Board
from subbit.sw.cli.console import plain_console
from subbit.sw.cli.data_options import data_option
from subbit.sw.cli.options import (
    as_json,
    board_option,
    chosen_plan,
    goal_options,
    model_argument,
    plan_option,
    print_json,
    route_options,
    take_goal,
)
from subbit.sw.ir import load_network

__all__ = ["network_command"]


@click.command("network", short_help="One network on a board: rate, size, what it gets right.")
@model_argument
@board_option
@plan_option
@goal_options
@data_option
@route_options
@click.option("--no-eval", is_flag=True, help="Leave out the test images.")
@as_json
def network_command(
    model: Path,
    board: Board,
    plan: Path | None,
    data: Path | None,
    seeds: int,
    seed: int | None,
    mhz: float | None,
    placer: str | None,
    route_mhz: float | None,
    no_eval: bool,
    json_: bool,
    **goal: Any,
) -> None:
    """Build the bitstream of MODEL and count what the network gets right of its test images.

    The build goes to build/NETWORK-BOARD, as with 'subbit bitstream'.

    \b
    Example: subbit bench network examples/digits-plain.safetensors --board ulx3s-85f --json
             subbit bench network cnv.safetensors --max --data cifar10/ --seed 2
    """
    from subbit.sw.bench.network import bench_network
    from subbit.sw.flow.bitstream import default_folder
    from subbit.sw.flow.progress import ConsoleProgress

    network = load_network(model)
    chosen = chosen_plan(network, board, plan, take_goal(goal))
    with ConsoleProgress() as progress:
        report = bench_network(
            *(network, chosen, board, default_folder(network, board)),
            data=data,
            evaluate=not no_eval,
            seeds=seeds,
            seed=seed,
            mhz=mhz,
            placer=placer,
            route_mhz=route_mhz,
            progress=progress,
        )
    if json_:
        print_json(asdict(report))
        return
    table = Table(title=f"{report.network} on {report.board}", show_header=False)
    for name, value in asdict(report).items():
        table.add_row(name, str(value))
    plain_console().print(table)
