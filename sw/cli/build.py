"""subbit rtl, subbit bitstream: from a network to files for the board."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from subbit.boards import Board
from subbit.sw.cli.console import plain_console
from subbit.sw.cli.options import (
    as_json,
    board_option,
    chosen_plan,
    goal_options,
    model_argument,
    note_link,
    plan_option,
    print_json,
    report_option,
    route_options,
    take_goal,
)
from subbit.sw.ir import load_network

__all__ = ["bitstream_command", "rtl_command"]


@click.command("rtl", short_help="Write the accelerator as Verilog.")
@model_argument
@board_option
@plan_option
@goal_options
@click.option("--out", type=click.Path(path_type=Path), help="The file to write, ending in .v.")
@as_json
def rtl_command(
    model: Path, board: Board, plan: Path | None, out: Path | None, json_: bool, **goal: Any
) -> None:
    """Write the accelerator of MODEL as one plain Verilog file, without link and clocks.

    By default it goes to build/NETWORK-BOARD/NETWORK.v.

    \b
    Example: subbit rtl examples/digits-plain.safetensors --out digits.v
    """
    from subbit.sw.flow.bitstream import default_folder
    from subbit.sw.flow.rtl import write_rtl
    from subbit.sw.lower.pipeline import Pipeline

    network = load_network(model)
    chosen = chosen_plan(network, board, plan, take_goal(goal))
    path = out or default_folder(network, board) / f"{network.name}.v"
    ports = write_rtl(network, chosen, path)
    pipeline = Pipeline(network, chosen)
    streams = {"i": asdict(pipeline.i), "o": asdict(pipeline.o)}
    note_link(network)
    if json_:
        row = {"network": network.name, "verilog": str(path), "ports": ports, "streams": streams}
        print_json(row)
    else:
        click.echo(path)


@click.command("bitstream", short_help="Build the bitstream and its reports.")
@model_argument
@board_option
@plan_option
@goal_options
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder of the build instead of build/NETWORK-BOARD.",
)
@route_options
@report_option
@as_json
def bitstream_command(
    model: Path,
    board: Board,
    plan: Path | None,
    out: Path | None,
    seeds: int,
    seed: int | None,
    mhz: float | None,
    placer: str | None,
    route_mhz: float | None,
    report: bool,
    json_: bool,
    **goal: Any,
) -> None:
    """Build the bitstream of MODEL for a board, with Verilog, reports, summary.json, and
    report.html, which shows them.

    \b
    Example: subbit bitstream examples/digits-plain.safetensors --board ulx3s-85f
             subbit bitstream examples/digits-plain.safetensors --board ulx3s-85f --seed 3
    """
    from subbit.hw.link.protocol import LinkInfo
    from subbit.sw.flow.bitstream import build_bitstream, default_folder
    from subbit.sw.flow.folder import check_folder
    from subbit.sw.flow.progress import ConsoleProgress

    network = load_network(model)
    folder = default_folder(network, board) if out is None else out
    check_folder(folder)
    LinkInfo.from_network(network, clock_hz=0)  # raises where a board cannot hold it
    chosen = chosen_plan(network, board, plan, take_goal(goal))
    with ConsoleProgress() as progress:
        summary = build_bitstream(
            *(network, chosen, board, folder, progress, seeds),
            seed=seed,
            mhz=mhz,
            placer=placer,
            route_mhz=route_mhz,
            report=report,
        )
    if json_:
        print_json(asdict(summary))
        return
    plain_console().print(summary.table(asdict(board.device)))
    click.echo(folder / summary.bitstream)
