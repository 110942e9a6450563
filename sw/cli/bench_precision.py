"""subbit bench precision: what bits of activations and weights cost."""

from pathlib import Path
from typing import Any

import click
from rich.table import Table

from subbit.sw.cli.console import plain_console
from subbit.sw.cli.options import as_json, print_json
from subbit.sw.errors import quote

__all__ = ["precision_command"]

ENGINES = ("m", "k", "lut4", "lut4_ratio", "block_rams", "block_rams_ratio", "flip_flops")
NETWORKS = (
    *("network", "m", "k", "accuracy", "correct", "images"),
    *("weight_bits", "lut4", "block_rams", "cycles"),
)


def take_pairs(
    ctx: click.Context, parameter: click.Parameter, value: str
) -> tuple[tuple[int, int], ...]:
    """Pairs like 2/2 between commas; none for an empty text."""
    try:
        pairs = [tuple(map(int, pair.split("/"))) for pair in value.split(",") if pair]
    except ValueError:
        pairs = [()]
    if not all(len(pair) == 2 and all(1 <= bits <= 8 for bits in pair) for pair in pairs):
        raise click.BadParameter(f"{quote(value)} is no list of pairs like 1/1,2/2 of 1 to 8 bits")
    return tuple((pair[0], pair[1]) for pair in pairs)


@click.command("precision", short_help="What bits of activations and weights cost.")
@click.argument("models", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--pairs",
    default="1/1,2/2,4/4,8/1",
    show_default=True,
    callback=take_pairs,
    help="Bits of activations / of weights of the engines; '' for none.",
)
@click.option("--pe", type=click.IntRange(1, 256), default=4, show_default=True, help="Outputs.")
@click.option("--simd", type=click.IntRange(1, 1024), default=36, show_default=True, help="Inputs.")
@click.option("--portable/--no-portable", default=True, help="Map portable counters, too.")
@click.option("--data", type=click.Path(path_type=Path), help="Folder of the networks' data set.")
@click.option("--limit", type=click.IntRange(1), help="Images at most, drawn by class.")
@click.option(
    "--lut4", type=click.IntRange(1), default=6250, show_default=True, help="Of the first network."
)
@click.option("--synth", is_flag=True, help="Synthesise the networks instead of estimating.")
@as_json
def precision_command(
    models: tuple[Path, ...],
    pairs: tuple[tuple[int, int], ...],
    pe: int,
    simd: int,
    portable: bool,
    data: Path | None,
    limit: int | None,
    lut4: int,
    synth: bool,
    json_: bool,
) -> None:
    """Map engines of several precisions, which take equally many cycles, with Yosys for an ECP5;
    and compare MODELS, networks of one shape, planned with the same folding.

    Accuracies are of the images in --data, or what the networks' files say.

    \b
    Example: subbit bench precision --json
             subbit bench precision mnist-a1w1.safetensors mnist-a2w2.safetensors --data mnist
    """
    from subbit.sw.bench.precise_networks import bench_precision
    from subbit.sw.flow.progress import ConsoleProgress
    from subbit.sw.ir import load_network

    networks = [load_network(path) for path in models]
    with ConsoleProgress() as progress:
        found = bench_precision(
            *(networks, pairs, pe, simd, portable),
            lut4=lut4,
            data=data,
            limit=limit,
            synthesise=synth,
            progress=progress,
        )
    if json_:
        print_json(found)
        return
    engines, trained = found["engines"], found["networks"]
    if engines:
        show(
            f"engines, {pe} outputs of {simd} inputs a cycle, seed {found['seed']}",
            ENGINES,
            engines,
        )
    if trained:
        show("networks" if synth else "networks (LUT4 estimated)", NETWORKS, trained)


def show(title: str, columns: tuple[str, ...], rows: list[dict[str, Any]]) -> None:
    """Print rows as a table."""
    table = Table(title=title)
    for name in columns:
        table.add_column(name, justify="left" if name == "network" else "right")
    for row in rows:
        table.add_row(*(str(row[name]) for name in columns))
    plain_console().print(table)
