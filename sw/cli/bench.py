"""subbit bench: what is measured, and the same measurements of several networks."""

from dataclasses import asdict
from pathlib import Path

import click
from rich.table import Table

from subbit.boards import Board
from subbit.sw.cli.console import plain_console
from subbit.sw.cli.lazy import LazyGroup
from subbit.sw.cli.options import as_json, board_option, chosen_plan, print_json, route_options
from subbit.sw.errors import SubbitError
from subbit.sw.ir import load_network

__all__ = ["bench_command", "networks_command"]

# The module of each measurement.
BENCHES = {
    "networks": "bench",
    "network": "bench_network",
    "cnv": "bench_cnv",
    "popcount": "bench_popcount",
    "engine": "bench_engine",
    "unrolled": "bench_unrolled",
    "precision": "bench_precision",
    "multipliers": "bench_multipliers",
    "reuse": "bench_reuse",
    "planner": "bench_planner",
    "costs": "bench_costs",
    "link": "bench_link",
    "import": "bench_import",
    "whole": "bench_whole",
    "tasks": "bench_tasks",
}

COLUMNS = (
    *("network", "lut4", "flip_flops", "block_rams", "clock_mhz"),
    *("interval_cycles", "latency_cycles", "fps", "accuracy", "weight_bits", "wall_s"),
)


class Benches(LazyGroup):
    """One command a measurement; without the name of one, the first."""

    modules = BENCHES

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """See click.Group."""
        if not args or args[0] not in {*BENCHES, *ctx.help_option_names}:
            args = [next(iter(BENCHES)), *args]
        return super().parse_args(ctx, args)


@click.group("bench", cls=Benches, short_help="Measure: networks, or parts of the way.")
def bench_command() -> None:
    """Measure. Without the name of a measurement, 'networks' is meant.

    \b
    Example: subbit bench --board ulx3s-85f
             subbit bench cnv --help
    """


@click.command("networks", short_help="Build several networks and compare them.")
@click.argument("models", nargs=-1, type=click.Path(path_type=Path))
@board_option
@route_options
@as_json
def networks_command(
    models: tuple[Path, ...],
    board: Board,
    seeds: int,
    seed: int | None,
    mhz: float | None,
    placer: str | None,
    route_mhz: float | None,
    json_: bool,
) -> None:
    """Build the bitstream of every network in MODELS (by default those in examples/) and compare.

    The builds go to build/NETWORK-BOARD as with 'subbit bitstream', and take minutes each.

    \b
    Example: subbit bench --board ulx3s-85f
             subbit bench plain.safetensors codebook.safetensors --json
    """
    from subbit.sw.flow.bitstream import build_bitstream, default_folder
    from subbit.sw.flow.progress import ConsoleProgress

    paths = list(models) or sorted(Path("examples").glob("*.safetensors"))
    if not paths:
        raise SubbitError("there is no network in examples/; name the networks to measure")
    rows = []
    for network in [load_network(path) for path in paths]:
        click.echo(network.name, err=True)
        plan, folder = chosen_plan(network, board, None), default_folder(network, board)
        with ConsoleProgress() as progress:
            built = build_bitstream(
                *(network, plan, board, folder, progress, seeds),
                seed=seed,
                mhz=mhz,
                placer=placer,
                route_mhz=route_mhz,
            )
            rows.append(asdict(built))
    if json_:
        print_json(rows)
        return
    table = Table(title=f"on {board.name}")
    for name in COLUMNS:
        table.add_column(name, justify="left" if name == "network" else "right")
    for row in rows:
        table.add_row(*(str(row[name]) for name in COLUMNS))
    plain_console().print(table)
