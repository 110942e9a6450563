"""subbit program, subbit run: the board itself."""

from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from subbit.boards import Board
from subbit.sw.cli.options import (
    as_json,
    board_option,
    data_option,
    model_argument,
    print_json,
)
from subbit.sw.errors import SubbitError
from subbit.sw.ir import load_network

__all__ = ["program_command", "run_command"]


@click.command("program", short_help="Load a bitstream into the board.")
@model_argument
@board_option
@click.option("--flash", is_flag=True, help="Into the flash memory, to stay after power-off.")
def program_command(model: Path, board: Board, flash: bool) -> None:
    """Load a bitstream into the board: MODEL's, from build/NETWORK-BOARD, or MODEL itself.

    It must be the one that the summary.json beside it tells of, and hold MODEL as it is now.

    \b
    Example: subbit program examples/digits-plain.safetensors
             subbit program build/digits-plain-ulx3s-85f/digits-plain.bit
    """
    from subbit.sw.flow.bitstream import default_folder
    from subbit.sw.flow.family import family_of
    from subbit.sw.flow.program import program_board
    from subbit.sw.flow.progress import ConsoleProgress

    path, network = model, None
    if model.suffix not in (".bit", ".bin"):
        network = load_network(model)
        path = default_folder(network, board) / f"{network.name}.{family_of(board).bitstream}"
        if not path.is_file():
            raise SubbitError(
                f"{path} is not built; run 'subbit bitstream {model} --board {board.name}' first"
            )
    with ConsoleProgress() as progress:
        progress.phase(f"loading {path.name}")
        program_board(path, board, flash=flash, network=network, progress=progress)


@click.command("run", short_help="Classify images on the board.")
@click.argument("images", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--port", required=True, help="The board's serial port, such as /dev/ttyUSB0; or 'sim'."
)
@click.option(
    "--model",
    type=click.Path(path_type=Path),
    help="The network in the board; by default the one among examples/ and build/ that it is.",
)
@click.option("--samples", type=click.IntRange(1), help="Classify the first test images instead.")
@click.option(
    "--timeout",
    type=click.FloatRange(0, 600, min_open=True),
    metavar="SECONDS",
    help="How long an answer may take: 2 s by default, 60 s in simulation.",
)
@board_option
@data_option
@as_json
def run_command(
    images: tuple[Path, ...],
    port: str,
    model: Path | None,
    samples: int | None,
    timeout: float | None,
    board: Board,
    data: Path | None,
    json_: bool,
) -> int:
    """Classify IMAGES (PNG, JPEG and others), or samples of the data set, on the board.

    With the port 'sim', the board is a simulation of the whole design (slow; needs --model).
    Exits with 1 if an image got no result because too many of its bytes were lost or damaged.

    \b
    Example: subbit run --port /dev/ttyUSB0 three.png seven.png
             subbit run --port /dev/ttyUSB0 --samples 100
    """
    from subbit.sw.host.run import run_images

    if bool(images) == bool(samples):
        raise click.UsageError("Name images, or ask for --samples.")
    network = load_network(model) if model else None
    results = run_images(
        *(port, images),
        network=network,
        samples=samples,
        data=data,
        board=board,
        timeout_s=timeout,
    )
    if json_:
        print_json([asdict(result) for result in results])
    else:
        table = Table("image", "class", "logits")
        for result in results:
            found = result.failure or " ".join(map(str, result.logits))
            table.add_row(result.name, result.label, found)
        Console().print(table)
    return 1 if any(result.failure for result in results) else 0
