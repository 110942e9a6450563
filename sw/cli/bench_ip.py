"""subbit bench ip: the IP cores of networks in their own benches."""

from dataclasses import asdict
from pathlib import Path

import click
from rich.table import Table

from subbit.hw.ip.shape import BUSES
from subbit.sw.cli.console import plain_console
from subbit.sw.cli.options import as_json, print_json
from subbit.sw.errors import NetworkError
from subbit.sw.ir import load_network

__all__ = ["ip_command"]

EXAMPLES = Path("examples")


@click.command("ip", short_help="IP cores in their own benches, in every simulator.")
@click.argument("models", type=click.Path(path_type=Path), nargs=-1)
@click.option(
    "--bus",
    "buses",
    type=click.Choice(BUSES),
    multiple=True,
    default=BUSES,
    help="One bus; may be repeated. Default: all.",
)
@as_json
def ip_command(models: tuple[Path, ...], buses: tuple[str, ...], json_: bool) -> int:
    """Export MODELS, by default the networks in examples/, as IP cores with every bus, and run the
    bench of each under random back-pressure in Verilator and, where it is, Icarus Verilog.

    Exits with 1 if a test failed, or a core could not be simulated.

    \b
    Example: subbit bench ip examples/digits-plain.safetensors --bus axi-stream --json
    """
    from subbit.sw.bench.ip_cores import CoreResult, bench_ip

    paths = models or tuple(sorted(EXAMPLES.glob("*.safetensors")))
    if not paths:
        raise NetworkError(f"there is no network in {EXAMPLES}/: name one")

    def show(result: CoreResult) -> None:
        """Say how one core fared."""
        name = f"{result.network} {result.bus} {result.simulator}"
        click.echo(f"{name}: {result.passed} of {result.tests} in {result.wall_s:g} s", err=True)

    networks = [load_network(path) for path in paths]
    results = bench_ip(networks, buses=buses, on_result=show)
    if json_:
        print_json([asdict(result) for result in results])
    else:
        table = Table(*asdict(results[0]), title="IP cores in their benches")
        for result in results:
            table.add_row(*map(str, asdict(result).values()))
        plain_console().print(table)
    return int(any(result.passed != result.tests or not result.tests for result in results))
