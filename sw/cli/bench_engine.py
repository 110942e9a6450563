"""subbit bench engine: a direct engine after place-and-route."""

from typing import Any

import click
from rich.table import Table

from subbit.sw.cli.console import plain_console
from subbit.sw.cli.options import as_json, print_json, seed_option
from subbit.sw.errors import quote

__all__ = ["engine_command"]

SIZE = click.IntRange(1, 4096)


def take_seeds(ctx: click.Context, parameter: click.Parameter, value: str) -> tuple[int, ...]:
    """Numbers between commas."""
    try:
        seeds = tuple(int(seed) for seed in value.split(","))
    except ValueError:
        raise click.BadParameter(f"{quote(value)} is no list of numbers like 1,2,3") from None
    return seeds


@click.command("engine", short_help="A direct engine after place-and-route.")
@click.option("--device", default="ecp5-85k", show_default=True, help="The FPGA.")
@click.option("--pe", type=SIZE, default=4, show_default=True, help="Outputs at once.")
@click.option("--simd", type=SIZE, default=144, show_default=True, help="Inputs a cycle.")
@click.option("--pixels", type=SIZE, default=1, show_default=True, help="Output pixels at once.")
@click.option(
    "--seeds",
    default="1,2,3",
    show_default=True,
    is_eager=True,
    callback=take_seeds,
    help="Of place-and-route; the fastest result counts.",
)
@seed_option
@click.option(
    "--mhz", type=float, default=160.0, show_default=True, help="What nextpnr is driven to."
)
@click.option(
    "--jobs", type=click.IntRange(1), default=1, show_default=True, help="Seeds tried at a time."
)
@click.option("--compare", is_flag=True, help="Route the portable form, too.")
@as_json
def engine_command(
    device: str,
    pe: int,
    simd: int,
    pixels: int,
    seeds: tuple[int, ...],
    seed: int | None,
    mhz: float,
    jobs: int,
    compare: bool,
    json_: bool,
) -> None:
    """Measure an engine with weights in block RAM, accumulators and thresholds.

    LUT4s count two for each carry cell, and are shared out among the binary multiply-accumulates of
    a cycle, PE * SIMD * PIXELS. The portable form is synthesised for comparison. 24 x 144 take some
    minutes for each seed.

    \b
    Example: subbit bench engine --device ecp5-85k --pe 24 --simd 144 --pixels 1 --json
    """
    from subbit.sw.bench.engine import bench_engine
    from subbit.sw.flow.progress import ConsoleProgress

    with ConsoleProgress() as progress:
        result = bench_engine(
            *(device, pe, simd, pixels),
            seeds=seeds if seed is None else (seed,),
            mhz=mhz,
            jobs=jobs,
            compare=compare,
            progress=progress,
        )
    if json_:
        print_json(result)
        return
    table = Table(title=f"{pe} x {simd} x {pixels} on {device}")
    forms: dict[str, dict[str, Any]] = {"vendor": result, "portable": result["portable"]}
    table.add_column("")
    for name in forms:
        table.add_column(name, justify="right")
    for key in ("lut4", "lut4_per_bmac", "block_rams", "flip_flops", "fmax_mhz", "seeds"):
        table.add_row(key, *(str(form.get(key, "")) for form in forms.values()))
    plain_console().print(table)
