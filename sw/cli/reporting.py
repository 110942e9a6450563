"""subbit report: everything about a network, a plan or a build as one page."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from subbit.boards import Board, board
from subbit.sw.cli.data_options import data_kind_option, data_option
from subbit.sw.cli.options import as_json, plan_option, print_json

__all__ = ["other_board_option", "report_command"]

Command = TypeVar("Command", bound=Callable[..., Any])


def take_board(ctx: click.Context, parameter: click.Parameter, value: str | None) -> Board | None:
    """The board of that name, if one is named."""
    return None if value is None else board(value)


def other_board_option(command: Command) -> Command:
    """--board of what may have a board of its own; None where none is named."""
    return click.option(
        "--board",
        callback=take_board,
        help="The board of a network or a plan; by default ulx3s, or the one the plan is for.",
    )(command)


@click.command("report", short_help="Everything about a network, plan or build as a page.")
@click.argument("subject", type=click.Path(path_type=Path))
@other_board_option
@plan_option
@data_option
@data_kind_option
@click.option(
    "--limit",
    type=click.IntRange(1),
    default=1000,
    show_default=True,
    help="Test images to look at.",
)
@click.option("--out", type=click.Path(path_type=Path), help="The page to write, ending in .html.")
@as_json
def report_command(
    subject: Path,
    board: Board | None,
    plan: Path | None,
    data: Path | None,
    kind: str | None,
    limit: int,
    out: Path | None,
    json_: bool,
) -> None:
    """Write a page about SUBJECT: a network, a plan beside its network, or the folder of a build.

    The page holds everything that it shows, and asks for nothing from the network. By default it is
    report.html in the folder of a build, PLAN.html beside a plan, and
    build/NETWORK-BOARD/plan.html for a network.

    \b
    Example: subbit report build/digits-plain-ulx3s-85f
             subbit report mine.safetensors --board ulx3s-12f --data pictures/ --out mine.html
    """
    from subbit.sw.flow.report import write_report

    path = write_report(subject, out, board=board, plan=plan, data=data, kind=kind, limit=limit)
    if json_:
        print_json({"page": str(path), "bytes": path.stat().st_size})
    else:
        click.echo(path)
