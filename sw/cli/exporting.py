"""subbit export: a network as source for something else than a bitstream."""

from pathlib import Path

import click

from subbit.sw.cli.data_options import data_option
from subbit.sw.cli.options import as_json, model_argument, print_json
from subbit.sw.errors import NetworkError
from subbit.sw.ir import load_network

__all__ = ["export_command"]


@click.command("export", short_help="Write a network as C for microcontrollers.")
@model_argument
@click.option("--c", "as_c", is_flag=True, help="As C99, without floats and without a heap.")
@click.option("--name", help="Of the functions; default: made from the network's name.")
@data_option
@click.option(
    "--seed", type=click.IntRange(0), default=1, show_default=True, help="Of the test's frames."
)
@click.option(
    "--out", "-o", type=click.Path(path_type=Path, file_okay=False), help="Default: build/NAME-c."
)
@as_json
def export_command(
    model: Path,
    as_c: bool,
    name: str | None,
    data: Path | None,
    seed: int,
    out: Path | None,
    json_: bool,
) -> None:
    """Write MODEL as a folder of sources, with a test that compares it with the golden model.

    With --c that is C99 for microcontrollers: tiles and codebooks stay compressed, memory is
    static, and the folder builds with make and CMake and is an Arduino library.

    \b
    Example: subbit export examples/digits-tiled.safetensors --c -o build/mcu
             make -C build/mcu test
    """
    from subbit.sw.mcu import export_c

    if not as_c:
        raise NetworkError("name what to export to: --c writes C99 for microcontrollers")
    network = load_network(model)
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
