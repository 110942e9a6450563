"""subbit bench cnv: a published network of real size, from its parameters to RTL."""

import json
from dataclasses import asdict
from pathlib import Path

import click
from rich.table import Table

from subbit.sw.atomic import write_atomic
from subbit.sw.cli.console import plain_console
from subbit.sw.cli.options import as_json, print_json

__all__ = ["cnv_command"]


@click.command("cnv", short_help="CNV: exactness, speed and size of the RTL.")
@click.argument("parameters", type=click.Path(path_type=Path))
@click.option(
    "--images",
    type=click.Path(path_type=Path),
    required=True,
    help="Folder test/CLASS/*.jpg, or a tar archive of such.",
)
@click.option(
    "--frames", type=click.IntRange(1), default=3, show_default=True, help="Images to simulate."
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("build/bench/cnv"),
    show_default=True,
    help="Folder for network, plan, Verilog and report.json.",
)
@as_json
def cnv_command(parameters: Path, images: Path, frames: int, out: Path, json_: bool) -> int:
    """Build CNV from PARAMETERS (.npz); count what it gets right, and simulate its RTL.

    Exits with 1 if any element of any stream differs from the golden model, or any cycle from the
    cycle model.

    \b
    Example: subbit bench cnv cnv-w1a1-cifar10.npz --images cifar10-jpeg.tar.xz --json
    """
    from subbit.sw.bench.cnv import bench_cnv
    from subbit.sw.flow.progress import ConsoleProgress

    with ConsoleProgress() as progress:
        report = bench_cnv(parameters, images, frames=frames, folder=out, progress=progress)
    row = asdict(report)
    write_atomic(out / "report.json", json.dumps(row, indent=2) + "\n")
    if json_:
        print_json(row)
    else:
        table = Table(title=f"{report.network} on {report.dataset}", show_header=False)
        for name, value in row.items():
            table.add_row(name, str(value))
        plain_console().print(table)
    return 1 if report.mismatches else 0
