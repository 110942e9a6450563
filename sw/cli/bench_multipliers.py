"""subbit bench multipliers: a stem of 8 x 8 bits on multipliers and on branches."""

import click
from rich.table import Table

from subbit.sw.cli.console import plain_console
from subbit.sw.cli.options import as_json, print_json
from subbit.sw.errors import quote

__all__ = ["multipliers_command"]

COLUMNS = ("engine", "pe", "simd", "cycles", "lut4", "engine_lut4", "flip_flops", "block_rams")


def take_foldings(
    ctx: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> tuple[tuple[int, int], ...]:
    """Pairs like 2x49."""
    found = []
    for value in values:
        numbers = value.split("x")
        if len(numbers) != 2 or not all(text.isdecimal() and int(text) for text in numbers):
            raise click.BadParameter(f"{quote(value)} is no folding like 2x49, PE and SIMD")
        found.append((int(numbers[0]), int(numbers[1])))
    return tuple(found)


@click.command("multipliers", short_help="A stem of 8 x 8 bits on multipliers and on branches.")
@click.option(
    "--folding",
    "foldings",
    multiple=True,
    default=("2x49", "1x147"),
    show_default=True,
    callback=take_foldings,
    help="Outputs and inputs at once, as PExSIMD; may be given again.",
)
@click.option("--side", type=click.IntRange(4, 512), default=224, show_default=True, help="Pixels.")
@click.option("--outputs", type=click.IntRange(1, 256), default=64, show_default=True)
@as_json
def multipliers_command(
    foldings: tuple[tuple[int, int], ...], side: int, outputs: int, json_: bool
) -> None:
    """Map a 7x7 convolution of stride 2 over three colours, 8-bit pixels and 8-bit weights, with
    Yosys for an ECP5: on the part's multipliers, and by branches with the same folding.

    A carry cell counts two LUT4s. Window and thresholds are included. It takes some minutes.

    \b
    Example: subbit bench multipliers --json
             subbit bench multipliers --folding 2x49
    """
    from subbit.sw.bench.multipliers import bench_multipliers
    from subbit.sw.flow.progress import ConsoleProgress

    with ConsoleProgress() as progress:
        result = bench_multipliers(foldings, side=side, outputs=outputs, progress=progress)
    if json_:
        print_json(result)
        return
    height, width, channels = result["outputs"]
    table = Table(title=f"7x7 stem to {height} x {width} x {channels}, mapped")
    names = (*COLUMNS, "multipliers", "lut4_ratio")
    for name in names:
        table.add_column(name, justify="left" if name == "engine" else "right")
    for row in result["stems"]:
        table.add_row(*(f"{row[name]:,}" if name != "engine" else row[name] for name in names))
    plain_console().print(table)
