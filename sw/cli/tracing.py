"""subbit trace: what every layer makes of a picture."""

from pathlib import Path

import click

from subbit.boards import Board
from subbit.sw.cli.options import (
    as_json,
    board_option,
    chosen_plan,
    model_argument,
    plan_option,
    print_json,
)
from subbit.sw.ir import load_network

__all__ = ["trace_command"]


@click.command("trace", short_help="Show what every layer makes of a picture.")
@model_argument
@click.argument("image", type=click.Path(path_type=Path))
@board_option
@plan_option
@click.option("--sim", "simulate", is_flag=True, help="Show what the RTL makes of it, too.")
@click.option("--invert", is_flag=True, help="Exchange black and white of the picture.")
@click.option("--out", type=click.Path(path_type=Path), help="The page to write, ending in .html.")
@click.option(
    "--pictures",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write each tensor as a PNG into this folder, too.",
)
@as_json
def trace_command(
    model: Path,
    image: Path,
    board: Board,
    plan: Path | None,
    simulate: bool,
    invert: bool,
    out: Path | None,
    pictures: Path | None,
    json_: bool,
) -> int:
    """Write the activations of every layer of MODEL for IMAGE as one page of pictures.

    By default it goes to build/trace/NETWORK/IMAGE.html. With --sim the tensors that streams of the
    RTL carry stand beside those of the golden model; exits with 1 if any element differs.

    \b
    Example: subbit trace examples/digits-codebook.safetensors examples/pictures/three.png --sim
    """
    from subbit.sim.trace import trace, write_trace
    from subbit.sw.flow.progress import ConsoleProgress

    network = load_network(model)
    chosen = chosen_plan(network, board, plan) if simulate else None
    with ConsoleProgress() as progress:
        found = trace(
            *(network, image), simulate=simulate, plan=chosen, invert=invert, progress=progress
        )
    place = out or Path("build") / "trace" / network.name / f"{image.stem}.html"
    write_trace(found, place, pictures)
    if json_:
        print_json(found.summary() | {"page": str(place)})
    else:
        if found.label:
            click.echo(f"class {found.label}")
        for name, differ in found.differences.items():
            if differ:
                click.echo(f"{name}: {differ:,} elements differ in simulation")
        click.echo(place)
    return 1 if any(found.differences.values()) else 0
