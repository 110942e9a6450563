"""subbit bench whole: sub-bit networks against plain ones of as many LUT4s."""

from dataclasses import asdict
from pathlib import Path

import click
from rich.table import Table

from subbit.boards import Board
from subbit.sw.cli.console import plain_console
from subbit.sw.cli.options import MOST_SEED, as_json, board_option, print_json, reserve_option

__all__ = ["whole_command"]

COLUMNS = (
    *("network", "encoding", "lut4", "block_rams", "interval_cycles", "fps"),
    *("plain_lut4", "plain_fps", "ratio", "bound_by"),
)


@click.command("whole", short_help="Sub-bit networks against plain ones of as many LUT4s.")
@click.argument("networks", nargs=-1)
@board_option
@reserve_option("10%")
@click.option(
    "--cnv",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Parameters of CNV (.npz); by default random ones of its shapes.",
)
@click.option("--route", is_flag=True, help="Build all bitstreams, too; hours for CNV.")
@click.option(
    "--seed",
    type=click.IntRange(1, MOST_SEED),
    default=1,
    show_default=True,
    help="Of nextpnr, with --route.",
)
@as_json
def whole_command(
    networks: tuple[str, ...],
    board: Board,
    reserve: float,
    cnv: Path | None,
    route: bool,
    seed: int,
    json_: bool,
) -> None:
    """Plan NETWORKS (digits, mnist, cnv; by default all) plain, with codebooks and with tiles, and
    compare their rates at equal LUT4s.

    Of two plans, each the fastest within the board, the one of more LUT4s is planned again within
    those of the other, until they are within 3 %. Each row tells what bounds it. Digits and MNIST
    are those in examples/; about two minutes for all three.

    \b
    Example: subbit bench whole --json
             subbit bench whole digits --board ulx3s-85f --reserve 20%
    """
    from subbit.sw.bench.whole import bench_whole
    from subbit.sw.flow.progress import ConsoleProgress

    with ConsoleProgress() as progress:
        found = bench_whole(
            networks,
            board=board,
            reserve=reserve,
            cnv=cnv,
            route=route,
            seed=seed,
            progress=progress,
        )
    if json_:
        print_json(asdict(found))
        return
    table = Table(title=f"planned for {found.board}, {found.reserve:.0%} in reserve")
    for name in COLUMNS:
        table.add_column(name, justify="left" if name in ("network", "encoding") else "right")
    for row in map(asdict, found.rows):
        table.add_row(*(text(row[name]) for name in COLUMNS))
    plain_console().print(table)


def text(value: object) -> str:
    """A cell."""
    return f"{value:,}" if isinstance(value, int | float) else str(value)
