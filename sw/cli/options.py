"""Options and arguments that several commands share, and what they mean."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from subbit.boards import Board, board, board_names
from subbit.sw.ir import Network
from subbit.sw.plan import Plan

__all__ = [
    "as_json",
    "board_option",
    "chosen_plan",
    "data_option",
    "model_argument",
    "plan_option",
    "print_json",
]

Command = TypeVar("Command", bound=Callable[..., Any])


def take_board(ctx: click.Context, parameter: click.Parameter, value: str) -> Board:
    """The board of that name."""
    return board(value)


def model_argument(command: Command) -> Command:
    """MODEL, the path of a network."""
    return click.argument("model", type=click.Path(path_type=Path))(command)


def board_option(command: Command) -> Command:
    """--board, as a Board."""
    return click.option(
        "--board",
        default="ulx3s",
        show_default=True,
        callback=take_board,
        help=f"The board: {', '.join(board_names())}.",
    )(command)


def plan_option(command: Command) -> Command:
    """--plan, the path of a plan."""
    return click.option(
        "--plan",
        type=click.Path(path_type=Path),
        help="A plan made by 'subbit plan' and edited; by default one is made for the board.",
    )(command)


def data_option(command: Command) -> Command:
    """--data, the folder of a data set."""
    return click.option(
        "--data",
        type=click.Path(path_type=Path),
        help="Folder with the files of the network's data set; digits need none.",
    )(command)


def as_json(command: Command) -> Command:
    """--json."""
    return click.option("--json", "json_", is_flag=True, help="Print the result as JSON.")(command)


def chosen_plan(network: Network, board: Board, path: Path | None) -> Plan:
    """The plan of the file, or the default one for the board."""
    from subbit.sw.plan import load_plan
    from subbit.sw.planner import DEFAULT_LUT4, default_plan

    if path is not None:
        return load_plan(path, network)
    budget = min(DEFAULT_LUT4, board.device.lut4 // 2)
    return default_plan(network, budget, board.device.fabric)


def print_json(value: Any) -> None:
    """Print a JSON value on stdout."""
    click.echo(json.dumps(value, indent=2, allow_nan=False))
