"""subbit bench unrolled: layers whose weights are wires, after place-and-route."""

from typing import Any

import click
from rich.table import Table

from subbit.sw.cli.bench_engine import take_seeds
from subbit.sw.cli.console import plain_console
from subbit.sw.cli.options import as_json, print_json

__all__ = ["unrolled_command"]

COLUMNS = ("fold", "lut4", "flip_flops", "fmax_mhz", "stages", "optimise_s", "exact")


def take_routing_seeds(
    ctx: click.Context, parameter: click.Parameter, value: str
) -> tuple[int, ...]:
    """Numbers between commas, or none of the word ``none``."""
    return () if value == "none" else take_seeds(ctx, parameter, value)


@click.command("unrolled", short_help="Layers whose weights are wires: LUT4s and clock.")
@click.argument("matrices", nargs=-1)
@click.option("--device", default="ecp5-85k", show_default=True, help="The FPGA.")
@click.option(
    "--seeds",
    default="1",
    show_default=True,
    callback=take_routing_seeds,
    help="Of place-and-route; the fastest result counts. 'none': synthesis alone.",
)
@click.option(
    "--weights-seed", type=click.IntRange(0), default=0, show_default=True, help="Of the weights."
)
@click.option(
    "--mhz", type=float, default=170.0, show_default=True, help="What nextpnr is driven to."
)
@click.option(
    "--jobs", type=click.IntRange(1), default=1, show_default=True, help="Seeds tried at a time."
)
@click.option(
    "--folds",
    default="1",
    show_default=True,
    callback=take_seeds,
    help="Cycles a vector, with as many turns of an input's bits; a row for each.",
)
@click.option("--direct", is_flag=True, help="Measure the direct engine at the same rate, too.")
@click.option("--peer", type=click.Choice(["da4ml"]), help="Measure this one's circuits, too.")
@as_json
def unrolled_command(
    matrices: tuple[str, ...],
    device: str,
    seeds: tuple[int, ...],
    weights_seed: int,
    mhz: float,
    jobs: int,
    folds: tuple[int, ...],
    direct: bool,
    peer: str | None,
    json_: bool,
) -> None:
    """Measure layers of random weights that are wires, with thresholds.

    MATRICES: of 64x64 (inputs x outputs, weights +1 and -1), 64x64-codebook (63 inputs, 32
    codewords), 64x64-tiled (p=4), 27x64-pixels (of 8 bits), 784x64; by default the first four.
    '--peer da4ml' needs 'pip install subbit[peers]', and its 784x64 takes minutes.

    \b
    Example: subbit bench unrolled 64x64 --peer da4ml --json
             subbit bench unrolled 784x64 --seeds none
             subbit bench unrolled 27x64-pixels --folds 1,2,4 --direct --seeds none
    """
    from subbit.sw.bench.unrolled import ROUTED, bench_unrolled
    from subbit.sw.flow.progress import ConsoleProgress

    names = matrices or ROUTED
    with ConsoleProgress() as progress:
        rows = bench_unrolled(
            *(names, device, seeds, weights_seed, mhz, jobs),
            peer=peer is not None,
            folds=folds,
            direct=direct,
            progress=progress,
        )
    if json_:
        print_json(rows)
    else:
        plain_console().print(table_of(rows))


def table_of(rows: list[dict[str, Any]]) -> Table:
    """A row a circuit, those of the peer and of the direct engine below."""
    table = Table(title="layers whose weights are wires")
    table.add_column("matrix")
    for column in COLUMNS:
        table.add_column(column, justify="right")
    for row in rows:
        table.add_row(row["matrix"], *(str(row[column]) for column in COLUMNS))
        if "peer" in row:
            shown = row["peer"]
            table.add_row("  da4ml", *(str(shown.get(column, "")) for column in COLUMNS))
        if "direct" in row:
            shown = row["direct"]
            table.add_row("  direct engine", *(str(shown.get(column, "")) for column in COLUMNS))
    return table
