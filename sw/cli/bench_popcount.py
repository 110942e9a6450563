"""subbit bench popcount: an XNOR-popcount alone, after place-and-route."""

from typing import Any

import click
from rich.table import Table

from subbit.sw.cli.console import plain_console
from subbit.sw.cli.options import as_json, print_json, seed_option

__all__ = ["popcount_command"]

FIGURES = (
    *("lut4", "lut4_per_bit", "fmax_mhz", "latency_cycles", "flip_flops"),
    "seeds_mhz",
)
FORMS = {"plain": "portable form", "sum": "sum of XNORs"}


@click.command("popcount", short_help="One XNOR-popcount: LUT4 a position, and clock.")
@click.option("--device", default="ecp5-85k", show_default=True, help="The part to measure on.")
@click.option(
    "--width", type=click.IntRange(1), default=128, show_default=True, help="Positions counted."
)
@click.option("--mhz", type=click.FloatRange(1), help="The clock to plan for; by device.")
@click.option(
    "--seeds",
    type=click.IntRange(1),
    default=3,
    show_default=True,
    is_eager=True,
    help="Place and route with the seeds 1 to N, and keep the fastest.",
)
@seed_option
@as_json
def popcount_command(
    device: str, width: int, mhz: float | None, seeds: int, seed: int | None, json_: bool
) -> None:
    """Place and route one XNOR-popcount, made of the device's carry chains and in two plainer ways.

    Devices: ecp5-12k, ecp5-25k, ecp5-45k, ecp5-85k, ice40-up5k, gowin-gw1n9. The last two need
    'pip install subbit[bench]'.

    \b
    Example: subbit bench popcount --device ecp5-85k --width 128 --json
             subbit bench popcount --device ice40-up5k --width 64
    """
    from subbit.sw.bench.popcount import bench_popcount
    from subbit.sw.flow.progress import ConsoleProgress

    with ConsoleProgress() as progress:
        chosen = tuple(range(1, seeds + 1)) if seed is None else (seed,)
        found = bench_popcount(device, width, chosen, mhz, progress)
    if json_:
        print_json(found)
    else:
        plain_console().print(table_of(found))


def table_of(found: dict[str, Any]) -> Table:
    """The figures of the three forms side by side."""
    chains = f"carry chains of {found['chain_places']} places"
    table = Table(title=f"{found['width']} positions on {found['device']}, {chains}")
    table.add_column()
    for text in ("vendor's cells", *FORMS.values()):
        table.add_column(text, justify="right")
    forms = [found, *(found[name] for name in FORMS)]
    for name in FIGURES:
        table.add_row(name, *(cell(form[name]) for form in forms))
    return table


def cell(value: object) -> str:
    """A figure, or several."""
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)
