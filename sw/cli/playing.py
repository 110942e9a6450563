"""subbit board: a virtual board, in a browser and on a pseudo-terminal."""

import json
import threading
import webbrowser
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from subbit.boards import Board
from subbit.sw.cli.data_options import data_kind_option, data_option
from subbit.sw.cli.options import board_option, model_argument, plan_option
from subbit.sw.ir import load_network

if TYPE_CHECKING:
    from subbit.sw.play.board import VirtualBoard

__all__ = ["board_command"]

SHARE = click.FloatRange(0, 1)


@click.command("board", short_help="Try a network on a virtual board, in a browser.")
@model_argument
@board_option
@plan_option
@data_option
@data_kind_option
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to serve at.")
@click.option(
    "--http", type=click.IntRange(0, 65535), default=0, help="The port of the page; 0: a free one."
)
@click.option("--rtl", is_flag=True, help="Let the page ask the RTL in simulation, too.")
@click.option("--pty", "with_pty", is_flag=True, help="Be at a pseudo-terminal for programs, too.")
@click.option("--drop", type=SHARE, default=0.0, help="With --pty: the chance that a byte is lost.")
@click.option("--flip", type=SHARE, default=0.0, help="The chance that a byte has a wrong bit.")
@click.option("--stall", type=SHARE, default=0.0, help="The chance to say nothing for a while.")
@click.option("--reset", type=SHARE, default=0.0, help="The chance to start anew.")
@click.option("--fault-seed", type=int, default=1, show_default=True, help="Of these chances.")
@click.option("--open", "opened", is_flag=True, help="Open the page in a browser.")
@click.option("--json", "json_", is_flag=True, help="Print where it is as one line of JSON.")
def board_command(
    model: Path,
    board: Board,
    plan: Path | None,
    data: Path | None,
    kind: str | None,
    host: str,
    http: int,
    rtl: bool,
    with_pty: bool,
    drop: float,
    flip: float,
    stall: float,
    reset: float,
    fault_seed: int,
    opened: bool,
    json_: bool,
) -> None:
    """Serve a page on which MODEL can be tried: draw, give a picture, step through the test images.

    It shows class, logits and what each layer makes of it by the golden model, cycles and time on
    the board, and with --rtl what the RTL says. With --pty programs find the board at a serial
    port, with faults on request. Only this machine reaches the page; with another --host its
    address has a token. Ctrl-C ends it.

    \b
    Example: subbit board examples/digits-plain.safetensors --open
             subbit board examples/digits-plain.safetensors --pty --drop 0.001
             subbit run --port /dev/pts/5 --model examples/digits-plain.safetensors three.png
    """
    from subbit.sw.host.loopback import Faults
    from subbit.sw.play.board import virtual_board
    from subbit.sw.play.line import LineFaults

    faults = LineFaults(Faults(drop=drop, flip=flip, seed=fault_seed), stall, reset)
    served = virtual_board(
        *(load_network(model), board),
        plan=plan,
        data=data,
        kind=kind,
        host=host,
        http=http,
        simulate=simulator() if rtl else None,
        with_pty=with_pty,
        faults=faults,
    )
    with served as place:
        tell(place, json_)
        if opened:
            webbrowser.open(place.url)
        threading.Event().wait()


def simulator() -> Any:
    """Runs frames through the RTL."""
    from subbit.sim.trace import FOLDER, simulated_tensors

    return lambda network, plan, codes: simulated_tensors(network, plan, codes, FOLDER)


def tell(place: "VirtualBoard", json_: bool) -> None:
    """Say where the board is, at once."""
    if json_:
        click.echo(json.dumps(asdict(place)))
        return
    click.echo(place.url)
    if place.pty:
        click.echo(place.pty)
