"""subbit program, subbit run: the board itself."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Table

from subbit.boards import Board, board
from subbit.sw.cli.options import (
    as_json,
    board_option,
    chosen_plan,
    data_option,
    model_argument,
    print_json,
)
from subbit.sw.errors import LinkError, NetworkError, SubbitError
from subbit.sw.ir import Network, load_network

if TYPE_CHECKING:
    from subbit.sw.host.device import Device

__all__ = ["program_command", "run_command"]

SIMULATED = "sim"
# A simulated board takes a few thousand times as long as a real one.
SIMULATED_TIMEOUT_S = 60.0


@click.command("program", short_help="Load a bitstream into the board.")
@model_argument
@board_option
@click.option("--flash", is_flag=True, help="Into the flash memory, to stay after power-off.")
def program_command(model: Path, board: Board, flash: bool) -> None:
    """Load a bitstream into the board: MODEL's, from build/NETWORK-BOARD, or MODEL itself if .bit.

    \b
    Example: subbit program examples/digits-plain.safetensors
             subbit program build/digits-plain-ulx3s-85f/digits-plain.bit
    """
    from subbit.sw.flow.bitstream import default_folder
    from subbit.sw.flow.program import program_board
    from subbit.sw.flow.progress import ConsoleProgress

    path = model
    if model.suffix != ".bit":
        network = load_network(model)
        path = default_folder(network, board) / f"{network.name}.bit"
        if not path.is_file():
            raise SubbitError(
                f"{path} is not built; run 'subbit bitstream {model} --board {board.name}' first"
            )
    with ConsoleProgress() as progress:
        progress.phase(f"loading {path.name}")
        program_board(path, board, flash=flash, progress=progress)


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
@data_option
@as_json
def run_command(
    images: tuple[Path, ...],
    port: str,
    model: Path | None,
    samples: int | None,
    data: Path | None,
    json_: bool,
) -> None:
    """Classify IMAGES (PNG, JPEG and others), or samples of the data set, on the board.

    With the port 'sim', the board is a simulation of the whole design (slow; needs --model).

    \b
    Example: subbit run --port /dev/ttyUSB0 three.png seven.png
             subbit run --port /dev/ttyUSB0 --samples 100
    """
    from subbit.sw.evaluate import load_frames
    from subbit.sw.host.classify import classify_codes, classify_files

    if bool(images) == bool(samples):
        raise click.UsageError("Name images, or ask for --samples.")
    network = load_network(model) if model else None
    with opened(port, network) as device:
        network = network or network_of(device.info.digest, [Path("examples"), Path("build")])
        if images:
            results = classify_files(device, network, images)
        else:
            frames = load_frames(network, data, samples)
            names = [f"test image {n} (is {y})" for n, y in enumerate(frames.labels)]
            results = classify_codes(device, network, frames.codes, names)
    if json_:
        print_json([asdict(result) for result in results])
        return
    table = Table("image", "class", "logits")
    for result in results:
        table.add_row(result.name, result.label, " ".join(map(str, result.logits)))
    Console().print(table)


@contextmanager
def opened(port: str, network: Network | None) -> Iterator["Device"]:
    """The board at the port, or for the port 'sim' a simulated one that holds the network."""
    from subbit.sw.host.device import Device
    from subbit.sw.host.transport import SerialTransport

    if port != SIMULATED:
        with Device(SerialTransport(port)) as device:
            yield device
        return
    from subbit.hw.top import Core
    from subbit.sim.simulated_board import SimulatedBoard
    from subbit.sw.pipeline import Pipeline

    if network is None:
        raise click.UsageError("A simulated board needs --model.")
    target = board("ulx3s")
    pipeline = Pipeline(network, chosen_plan(network, target, None))
    core = Core(pipeline=pipeline, clock_hz=target.oscillator_hz, baud=target.uart_baud)
    models = Path("build") / "sim" / "models"
    with (
        SimulatedBoard(core, name="core", models=models) as simulated,
        Device(simulated.transport(), timeout_s=SIMULATED_TIMEOUT_S) as device,
    ):
        yield device


def network_of(digest: str, folders: Sequence[Path]) -> Network:
    """The network file below ``folders`` that has this digest. Raises LinkError."""
    for path in (path for folder in folders for path in sorted(folder.rglob("*.safetensors"))):
        try:
            network = load_network(path)
        except NetworkError:
            continue
        if network.digest == digest:
            return network
    places = " and ".join(map(str, folders))
    raise LinkError(
        f"the board holds the network {digest[:12]}, which is not in {places}; "
        "name its file with --model"
    )
