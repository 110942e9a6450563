"""subbit import: networks that were trained elsewhere."""

from pathlib import Path
from typing import Any

import click
from rich.progress import Progress
from rich.table import Table

from subbit.sw.cli.console import plain_console
from subbit.sw.cli.options import as_json, print_json
from subbit.sw.errors import DifferentError, NetworkError

__all__ = ["import_command"]

RANDOM_IMAGES = 20


@click.command("import", short_help="Bring in a network that was trained elsewhere.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--out", "-o", type=click.Path(path_type=Path), help="Default: FILE.safetensors.")
@click.option("--name", help="The network's name; default: the file's.")
@click.option(
    "--description",
    type=click.Path(path_type=Path),
    help="JSON that says what the arrays of an .npz or .safetensors file are.",
)
@click.option(
    "--range",
    "span",
    type=(float, float),
    default=(0.0, 1.0),
    show_default=True,
    help="The source's input for pixels 0 and 255.",
)
@click.option("--dataset", help="mnist, cifar10, digits or folder; default: by the input's shape.")
@click.option(
    "--data", type=click.Path(path_type=Path), help="Folder of the data set: compares its images."
)
@click.option(
    "--images",
    type=click.IntRange(0),
    help=f"How many images are compared; default: all of --data, else {RANDOM_IMAGES} of noise.",
)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Of the noise.")
@click.option(
    "--rule",
    type=click.Choice(["codebook", "tiled"]),
    help="FILE is a checkpoint of Sub-bit Neural Networks or of Tiled Bit Networks.",
)
@click.option("--repeats", type=click.IntRange(1), default=4, show_default=True, help="p of tiles.")
@click.option(
    "--min-size",
    type=click.IntRange(0),
    default=64_000,
    show_default=True,
    help="lambda: layers of fewer weights have one tile.",
)
@click.option(
    "--alpha",
    type=click.Choice(["weight", "scores"]),
    default="weight",
    show_default=True,
    help="What gives the factors of tiles.",
)
@click.option(
    "--side", type=click.IntRange(1), default=14, show_default=True, help="Of a layer's map."
)
@click.option(
    "--even-if-different",
    is_flag=True,
    help="Write the network even where a class or a number differs from the source.",
)
@as_json
def import_command(
    file: Path,
    out: Path | None,
    name: str | None,
    description: Path | None,
    span: tuple[float, float],
    dataset: str | None,
    data: Path | None,
    images: int | None,
    seed: int,
    rule: str | None,
    repeats: int,
    min_size: int,
    alpha: str,
    side: int,
    even_if_different: bool,
    json_: bool,
) -> int:
    """Turn FILE, an ONNX or QONNX graph or integer arrays, into an exact integer network.

    Compares every layer with the source on images of --data, or on noise, and reports. Where a
    class or a number differs, nothing is written and the exit code is 1. Of a checkpoint (--rule),
    every layer becomes a network in the folder --out.

    \b
    Example: subbit import tfc-1w1a.onnx -o tfc.safetensors --data mnist/
             subbit import cnv.npz --description cnv.json -o cnv.safetensors
             subbit import resnet18.pth --rule codebook -o layers/
    """
    from subbit.sw.importers.api import import_network

    if file.is_dir():
        raise NetworkError(f"{file}: not a file; name the one to import")
    if rule is not None:
        from subbit.sw.importers.papers.papers_module import import_checkpoint

        tiles: dict[str, Any] = {"repeats": repeats, "min_size": min_size, "alpha": alpha}
        layers = import_checkpoint(file, out or file.with_suffix(""), rule, side=side, **tiles)
        print_json(layers) if json_ else show_layers(layers)
        return 0
    out = out or file.with_suffix(".safetensors")
    if out.resolve() == file.resolve():
        raise NetworkError(f"{out} is the file to import; name another place with --out")
    with Progress(console=plain_console(stderr=True), transient=True) as bars:
        task = bars.add_task("comparing", total=None)
        try:
            report = import_network(
                *(file, out, data),
                images=images,
                seed=seed,
                even_if_different=even_if_different,
                progress=lambda done, total: bars.update(task, completed=done, total=total),
                name=name,
                description=description,
                span=span,
                dataset=dataset,
            ).report
            report["out"] = str(out)
        except DifferentError as error:
            report = {**error.report, "out": None}
    print_json(report) if json_ else show(report)
    agreement = report["agreement"]
    return 0 if agreement is None or agreement["agrees"] else 1


def show_layers(report: dict[str, Any]) -> None:
    """Print what a checkpoint became."""
    table = Table(title=f"{report['bits_per_weight']} bits a weight")
    for column in ("layer", "weights", "encoding", "bits a weight", "differ", "file"):
        table.add_column(column, overflow="fold")
    for row in report["layers"]:
        shape = "x".join(map(str, row["shape"]))
        cells = (row["name"], shape, row["encoding"], row["bits_per_weight"], row["apart"])
        table.add_row(*map(str, cells), row["file"])
    console = plain_console()
    console.print(table)
    for row in report["layers"]:
        for note in row["notes"]:
            console.print(f"{row['name']}: {note}", highlight=False, markup=False, soft_wrap=True)
    for name, reason in report["left_out"].items():
        console.print(f"left out: {name}: {reason}", highlight=False, markup=False, soft_wrap=True)


def show(report: dict[str, Any]) -> None:
    """Print the report as a table and a few lines."""
    from subbit.sw.importers.report import verdict

    table = Table(title=f"{report['network']}  {report['digest'][:12]}")
    for column in ("layer", "kind", "output"):
        table.add_column(column)
    table.add_column("bits stored", justify="right")
    table.add_column("nodes of the source in it", overflow="fold")
    table.add_column("differ", justify="right")
    table.add_row("input", "", report["input"], "", ", ".join(report["folded_into_input"]), "")
    for row in report["layers"]:
        table.add_row(
            row["name"],
            row["kind"],
            row["output"],
            f"{row['weight_bits']:,}" if row["weights"] else "",
            ", ".join(row["source"]),
            f"{row['apart']:,}" if row["compared"] else "",
        )
    console = plain_console()
    console.print(table)
    lines = [f"preprocessing: {report['preprocess']}", *report["remarks"]]
    lines += [f"{key}: {value}" for key, value in report["notes"].items()]
    out = report["out"]
    where = f"written to {out}" if out else "nothing is written; --even-if-different writes it"
    for line in (*lines, verdict(report["agreement"]), where):
        console.print(line, highlight=False, markup=False, soft_wrap=True)
