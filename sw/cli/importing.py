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
@click.option(
    "--layout",
    type=click.Choice(["channels-first", "channels-last"]),
    help="Of an ONNX graph's images; default: what the graph does with them tells.",
)
@click.option(
    "--fixed",
    type=click.IntRange(2, 24),
    metavar="BITS",
    help="Paths that are not exact otherwise get that width; says how far off.",
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
@click.option("--repeats", metavar="P", help="p of tiles: 4, by layer 1,4,4, or NAME=P,NAME=P.")
@click.option(
    "--min-size",
    type=click.IntRange(0),
    help="lambda: layers of fewer weights have p = 1; 64000 unless told.",
)
@click.option(
    "--alpha",
    type=click.Choice(["weight", "scores"]),
    help="What gives the factors of tiles; weight unless told.",
)
@click.option(
    "--alphas",
    type=click.Choice(["multiple", "single"]),
    help="A factor for every repeat, as unless told, or one for a layer.",
)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="The authors' configuration file of a tiled checkpoint, which says p and the rest.",
)
@click.option(
    "--shape",
    "shapes",
    multiple=True,
    metavar="NAME=OUTxIN",
    help="Of a layer of a packed checkpoint; NAME=OUTxINxKxK of a convolution.",
)
@click.option(
    "--trained",
    type=click.Path(path_type=Path),
    help="The training checkpoint of a packed one: gives the shapes, and is compared.",
)
@click.option(
    "--order",
    type=click.Choice(["big", "big-high", "big-low", "little"]),
    help="Of bits in a packed byte; big unless told.",
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
    layout: str | None,
    fixed: int | None,
    dataset: str | None,
    data: Path | None,
    images: int | None,
    seed: int,
    rule: str | None,
    side: int,
    even_if_different: bool,
    json_: bool,
    **tiles: Any,
) -> int:
    """Turn FILE, an ONNX or QONNX graph or integer arrays, into an exact integer network.

    Compares every layer with the source on images of --data, or on noise, and reports. Where a
    class or a number differs, nothing is written and the exit code is 1. Of a checkpoint (--rule),
    every layer becomes a network in the folder --out.

    \b
    Example: subbit import tfc-1w1a.onnx -o tfc.safetensors --data mnist/
             subbit import cnv.npz --description cnv.json -o cnv.safetensors
             subbit import resnet18.pth --rule codebook -o layers/
             subbit import vgg.pth --rule tiled --config vgg.yaml -o layers/
             subbit import packed.pt --rule tiled --shape fc1=128x784 --shape fc2=10x128
    """
    from subbit.sw.importers.api import import_network

    if file.is_dir():
        raise NetworkError(f"{file}: not a file; name the one to import")
    if rule is not None and fixed is not None:
        raise NetworkError("--fixed: a checkpoint's layers come one by one, with no paths between")
    if rule is not None:
        from subbit.sw.importers.papers.checkpoint import import_checkpoint
        from subbit.sw.importers.papers.settings import parse_shapes

        tiles["shapes"] = parse_shapes(tiles["shapes"])
        layers = import_checkpoint(file, out or file.with_suffix(""), rule, side=side, **tiles)
        print_json(layers) if json_ else show_layers(layers)
        return 0
    given = [f"--{key.replace('_', '-')}" for key, value in tiles.items() if value]
    if given:
        raise NetworkError(f"{', '.join(given)}: only for a checkpoint; name its --rule")
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
                layout=layout,
                fixed=fixed,
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
    for column in ("layer", "weights", "encoding", "p", "bits a weight", "outputs apart", "file"):
        table.add_column(column, overflow="fold")
    for row in report["layers"]:
        shape = "x".join(map(str, row["shape"]))
        apart = f"{row['outputs_apart']} of {row['outputs']}"
        table.add_row(
            *(row["name"], shape, row["encoding"], str(row["repeats"])),
            *(str(row["bits_per_weight"]), apart, row["file"]),
        )
    console = plain_console()
    console.print(table)
    lines = [f"assumed: {text}" for text in report["assumed"]]
    lines.append(f"compared: {report['compared']}")
    for row in report["layers"]:
        if row["scale_error"]:
            lines.append(
                f"{row['name']}: alphas of a tile that crosses outputs are integers, "
                f"{row['scale_error']:.2%} off at most"
            )
        lines += [f"{row['name']}: {note}" for note in row["notes"]]
    lines += [f"left out: {name}: {reason}" for name, reason in report["left_out"].items()]
    for line in lines:
        console.print(line, highlight=False, markup=False, soft_wrap=True)


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
    notes = dict(report["notes"])
    lines += fixed_lines(report, notes.pop("fixed", {}))
    lines += [f"{key}: {value}" for key, value in notes.items()]
    out = report["out"]
    where = f"written to {out}" if out else "nothing is written; --even-if-different writes it"
    for line in (*lines, verdict(report["agreement"]), where):
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def fixed_lines(report: dict[str, Any], paths: dict[str, dict[str, Any]]) -> list[str]:
    """What is said of paths in fixed point, and of the layers behind them."""
    from subbit.sw.importers.report import deviations

    lines = [
        f"{name}: in fixed point, {row['bits']} bits, steps of {row['step']:g} of the source"
        for name, row in paths.items()
    ]
    for name, row in deviations(report).items():
        far = f"{row['deviation']:g} from the source at most, {row['last_places']:.3g} of its steps"
        lines.append(f"{name}: {far}")
    return lines
