"""subbit program, subbit run: the board itself."""

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.table import Column, Table

from subbit.boards import Board
from subbit.sw.cli.console import plain_console
from subbit.sw.cli.data_options import data_kind_option, data_option
from subbit.sw.cli.options import (
    as_json,
    board_option,
    model_argument,
    print_json,
)
from subbit.sw.errors import SubbitError
from subbit.sw.ir import Network, load_network
from subbit.sw.shares import share_text

if TYPE_CHECKING:
    from subbit.sw.host.classify import Classification
    from subbit.sw.host.pictures import Picture
    from subbit.sw.host.run import SampleRun

__all__ = ["program_command", "run_command"]

# Pictures that are shown as text beside their class.
SHOWN = 8


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
    from subbit.sw.flow.program import program_board
    from subbit.sw.flow.progress import ConsoleProgress

    path, network = model, None
    if model.suffix not in (".bit", ".bin"):
        network = load_network(model)
        path = default_folder(network, board) / f"{network.name}.{board.family.bitstream}"
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
@click.option(
    "--samples", type=click.IntRange(1), help="Classify test images, drawn by class, instead."
)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Of the draw.")
@click.option("--invert", is_flag=True, help="Exchange black and white, as of ink on paper.")
@click.option(
    "--preview",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.png",
    help="Write what the network sees of the images as a PNG.",
)
@click.option(
    "--maps",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.png",
    help="Draw the classes of pixels of a network that gives such as a PNG.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(0, 600, min_open=True),
    metavar="SECONDS",
    help="How long an answer may take: 2 s by default, 60 s in simulation.",
)
@board_option
@data_option
@data_kind_option
@as_json
def run_command(
    images: tuple[Path, ...],
    port: str,
    model: Path | None,
    samples: int | None,
    seed: int,
    invert: bool,
    preview: Path | None,
    maps: Path | None,
    timeout: float | None,
    board: Board,
    data: Path | None,
    kind: str | None,
    json_: bool,
) -> int:
    """Classify IMAGES (PNG, JPEG and others), or samples of the data set, on the board.

    For networks of other data IMAGES are WAV files, or tables, arrays and series (.csv, .npz, .ts,
    .arff) of which every row is classified.

    Images of any size and depth become what the network was trained on, which is shown; a warning
    says where one does not look like it. With the port 'sim', the board is a simulation of the
    whole design (slow; needs --model). Exits with 1 if an image got no result because too many of
    its bytes were lost or damaged.

    \b
    Example: subbit run --port /dev/ttyUSB0 examples/pictures/three.png
             subbit run --port /dev/ttyUSB0 --invert --preview seen.png ink-on-paper.jpg
             subbit run --port /dev/ttyUSB0 --samples 100
             subbit run --port /dev/ttyUSB0 --maps classes.png street.png
    """
    from subbit.sw.host.run import run_images, run_samples

    if bool(images) == bool(samples):
        raise click.UsageError("Name images, or ask for --samples.")
    if samples and (invert or preview or maps):
        raise click.UsageError("--invert, --preview and --maps are for images, not for --samples.")
    network = load_network(model) if model else None
    if samples:
        found = run_samples(
            *(port, samples),
            network=network,
            data=data,
            kind=kind,
            board=board,
            seed=seed,
            timeout_s=timeout,
        )
        print_json(found.summary()) if json_ else show_samples(found)
        return failed(found.results)
    art: dict[str, str] = {}
    results = run_images(
        *(port, images),
        network=network,
        board=board,
        invert=invert,
        preview=preview,
        maps=maps,
        seen=partial(tell_seen, art),
        timeout_s=timeout,
    )
    if json_:
        print_json([asdict(result) for result in results])
        return failed(results)
    show_results(results, art)
    if preview is not None:
        click.echo(f"what the network sees: {preview}")
    if maps is not None:
        click.echo(f"the classes of pixels: {maps}")
    return failed(results)


def failed(results: Sequence["Classification"]) -> int:
    """1 if an image got no result."""
    return 1 if any(result.failure for result in results) else 0


def tell_seen(art: dict[str, str], network: Network, pictures: Sequence["Picture"]) -> None:
    """Warn on stderr, and put what the network sees of the first pictures into ``art``."""
    from subbit.sw.host.preview import text_preview

    for picture in pictures:
        for warning in picture.warnings:
            click.echo(f"subbit: warning: {picture.path}: {warning}", err=True)
    flat = min(network.input_type.shape[:2]) == 1  # a row of a table, or a series: no picture
    for picture in () if flat else pictures[:SHOWN]:
        art[str(picture.path)] = text_preview(picture, network.input_type.high)


def show_results(results: list["Classification"], art: dict[str, str]) -> None:
    """Print the classes, and beside the first ones what the network sees."""
    table = Table("image", Column("seen", no_wrap=True), "class", "logits", show_lines=True)
    for row in results:
        logits = row.failure or " ".join(map(str, row.logits))
        table.add_row(row.name, art.get(row.name, ""), drawn(row), logits)
    plain_console().print(table)
    if art and len(results) > len(art):
        click.echo(f"the first {len(art)} are shown; --preview FILE.png shows up to 64")


def drawn(row: "Classification") -> str:
    """The class, and of a map of classes the map in characters."""
    import numpy as np

    from subbit.sw.host.preview import text_map

    pixels = np.array(row.map, np.int64)
    return f"{row.label}\n{text_map(pixels)}" if pixels.ndim == 2 else row.label


def show_samples(found: "SampleRun") -> None:
    """Print the classes of test images, and how many are right."""
    table = Table("image", "class", "logits")
    for row in found.results:
        table.add_row(row.name, row.label, row.failure or " ".join(map(str, row.logits)))
    plain_console().print(table)
    click.echo(share_text(found.correct, len(found.results), found.population, found.seed))
