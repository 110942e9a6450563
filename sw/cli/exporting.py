"""subbit export: a network as source for something else than a bitstream."""

from pathlib import Path
from typing import Any

import click

from subbit.boards import Board
from subbit.hw.ip.shape import BUSES
from subbit.sw.cli.data_options import data_option
from subbit.sw.cli.options import (
    as_json,
    board_option,
    chosen_plan,
    goal_options,
    model_argument,
    plan_option,
    print_json,
    take_goal,
)
from subbit.sw.errors import NetworkError
from subbit.sw.ir import Network, load_network

__all__ = ["export_command"]


@click.command("export", short_help="Write a network as C, or as an IP core in Verilog.")
@model_argument
@click.option("--c", "as_c", is_flag=True, help="As C99, without floats and without a heap.")
@click.option("--bus", type=click.Choice(BUSES), help="As an IP core with that bus.")
@click.option("--name", help="Of functions or of the core; default: made from the network's name.")
@board_option
@plan_option
@goal_options
@data_option
@click.option(
    "--seed", type=click.IntRange(0), default=1, show_default=True, help="Of the test's frames."
)
@click.option(
    "--out",
    "-o",
    type=click.Path(path_type=Path, file_okay=False),
    help="Default: build/NAME-c or build/NAME-ip.",
)
@as_json
def export_command(
    model: Path,
    as_c: bool,
    bus: str | None,
    name: str | None,
    board: Board,
    plan: Path | None,
    data: Path | None,
    seed: int,
    out: Path | None,
    json_: bool,
    **goal: Any,
) -> None:
    """Write MODEL as a folder of sources, with a test that compares it with the golden model.

    With --c that is C99 for microcontrollers: tiles and codebooks stay compressed, memory is
    static, and the folder builds with make and CMake and is an Arduino library.

    With --bus it is a core for a design of your own, in plain Verilog: AXI4-Stream with registers
    on AXI4-Lite (axi-stream) or on Wishbone (wishbone), or streams and nothing else (plain). The
    plan is chosen as by 'subbit bitstream'. The folder must not exist yet, or be empty.

    \b
    Example: subbit export examples/digits-tiled.safetensors --c -o build/mcu
             make -C build/mcu test
             subbit export examples/digits-plain.safetensors --bus axi-stream -o build/ip
             make -C build/ip test
    """
    if as_c == (bus is not None):
        raise NetworkError(
            "name one thing to export to: --c writes C99 for microcontrollers, --bus an IP core"
        )
    network = load_network(model)
    if bus is None:
        refuse_plans(plan, goal)
        export_as_c(network, out, name, data, seed, json_)
        return
    from subbit.sw.ip.export import check_target, export_ip

    folder = out or Path("build") / f"{network.name}-ip"
    check_target(network, folder, bus, name)
    chosen = chosen_plan(network, board, plan, take_goal(goal))
    done = export_ip(
        network, folder, bus=bus, name=name, plan=chosen, board=board, data=data, seed=seed
    )
    if json_:
        print_json(done.summary())
        return
    click.echo(
        f"{done.folder}: core {done.name}, a frame in {done.interval_cycles:,} cycles, about "
        f"{done.lut4 + done.wrapper_lut4:,} LUT4; try it with: make -C {done.folder} test"
    )
    click.echo(f"the test has {done.frames} frames, {done.images}")


def refuse_plans(plan: Path | None, goal: dict[str, Any]) -> None:
    """Raise NetworkError for options that C has no use for."""
    if plan is not None or take_goal(goal) is not None:
        raise NetworkError("a plan is for an IP core, not for C: leave the plan out, or take --bus")


def export_as_c(
    network: Network, out: Path | None, name: str | None, data: Path | None, seed: int, json_: bool
) -> None:
    """Write C, and say so."""
    from subbit.sw.mcu import export_c

    folder = out or Path("build") / f"{network.name}-c"
    done = export_c(network, folder, name=name, data=data, seed=seed)
    if json_:
        print_json(done.summary())
        return
    click.echo(
        f"{done.folder}: {done.parameter_bytes:,} bytes of parameters, {done.memory_bytes:,} of "
        f"memory; try it with: make -C {done.folder} test"
    )
    click.echo(f"the test has {done.frames} frames, {done.images}")
