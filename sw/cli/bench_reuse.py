"""subbit bench reuse: what repeated dot products save."""

from collections.abc import Callable

import click
from rich.table import Table

from subbit.sw.cli.console import plain_console
from subbit.sw.cli.options import Command, as_json, print_json
from subbit.sw.errors import quote

__all__ = ["reuse_command"]

ENGINES = ("decode", "lookup", "block_lookup", "block_lookup_logic")
COLUMNS = (
    "engine",
    "tau",
    "cout",
    "bmacs_per_cycle",
    "lut4",
    "block_rams",
    "lut4_per_bmac",
    "ratio",
)
SHARED = ("p", "cycle_ratio", "bit_ratio", "lut4_ratio")


def take_numbers(ctx: click.Context, parameter: click.Parameter, value: str) -> tuple[int, ...]:
    """Numbers between commas; none for an empty text."""
    try:
        numbers = tuple(int(number) for number in value.split(",") if number)
    except ValueError:
        raise click.BadParameter(f"{quote(value)} is no list of numbers like 128,256") from None
    choice = {"couts": (64, 128, 256, 512), "taus": range(3, 9), "channels": (64, 128, 256, 512)}
    wrong = [
        number for number in numbers if number not in choice.get(parameter.name or "", numbers)
    ]
    if wrong:
        raise click.BadParameter(f"{wrong[0]} is not one of those measured")
    return numbers


def numbers(name: str, default: str, text: str) -> Callable[[Command], Command]:
    """An option that takes numbers."""
    return click.option(name, default=default, show_default=True, callback=take_numbers, help=text)


@click.command("reuse", short_help="What lookup engines and shared rows save.")
@numbers("--taus", "5", "Bits of an index, of the engines that are mapped; '' for none.")
@numbers("--couts", "128,256,512", "Channels of their layers.")
@numbers("--repeats", "2,4,8", "p of the tiled layers; '' for none.")
@numbers("--channels", "64,128,256,512", "Channels of the RTL simulated; '' for none.")
@click.option(
    "--engine",
    "engines",
    multiple=True,
    type=click.Choice(ENGINES),
    default=("block_lookup",),
    show_default=True,
    help="Compared with the direct engine; may be given again.",
)
@as_json
def reuse_command(
    taus: tuple[int, ...],
    couts: tuple[int, ...],
    repeats: tuple[int, ...],
    channels: tuple[int, ...],
    engines: tuple[str, ...],
    json_: bool,
) -> None:
    """Compare engines that reuse dot products with the direct engine: cycles of the convolutions of
    ResNet-18 and -34, confirmed by simulated RTL; and throughput per LUT4 after synthesis for an
    ECP5, everything included. Mapping takes minutes for each engine.

    \b
    Example: subbit bench reuse --json
             subbit bench reuse --couts 256 --engine lookup --engine block_lookup --channels ''
    """
    from subbit.sw.bench.reuse_all import bench_reuse
    from subbit.sw.flow.progress import ConsoleProgress

    with ConsoleProgress() as progress:
        result = bench_reuse(taus, couts, repeats, channels, engines, progress)
    rows, shared = result["equal_lut"], result["shared_rows"]
    if json_:
        print_json(result)
        return
    click.echo(
        f"cycle ratio: ResNet-18 {result['resnet18_cycle_ratio']}, "
        f"ResNet-34 {result['resnet34_cycle_ratio']}; seed {result['seed']}"
    )
    for row in result["rtl"]:
        click.echo("RTL: " + ", ".join(f"{value} {name}" for name, value in row.items()))
    for title, names, found in (("equal LUT4", COLUMNS, rows), ("shared rows", SHARED, shared)):
        table = Table(title=title)
        for name in names:
            table.add_column(name, justify="right")
        for row in found:
            table.add_row(*(str(row.get(name, "")) for name in names))
        if found:
            plain_console().print(table)
