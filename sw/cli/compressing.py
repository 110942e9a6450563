"""subbit compress: a binary network as a sub-bit one."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.progress import Progress, TaskID
from rich.table import Table

from subbit.sw.cli.console import plain_console
from subbit.sw.cli.data_options import data_option
from subbit.sw.cli.options import as_json, model_argument, print_json
from subbit.sw.errors import DifferentError, NetworkError
from subbit.sw.ir import load_network, save_network
from subbit.sw.shares import share_text

if TYPE_CHECKING:
    from subbit.sw.compress.finetune import Training

__all__ = ["compress_command"]


@click.command("compress", short_help="Turn a binary network into a sub-bit one.")
@model_argument
@click.option("--tau", type=click.IntRange(1, 8), help="Codebooks of 2**tau 3x3 kernels a layer.")
@click.option("--tile", "repeats", type=click.IntRange(2), help="Tiles that repeat p times.")
@click.option(
    "--min-size",
    type=click.IntRange(1),
    default=64_000,
    show_default=True,
    help="Layers of fewer weights get no tile.",
)
@data_option
@click.option(
    "--out", "-o", type=click.Path(path_type=Path), help="Default: MODEL-sub.safetensors."
)
@click.option(
    "--images",
    type=click.IntRange(1),
    default=200,
    show_default=True,
    help="Training images, drawn by class, on which the thresholds are fitted again.",
)
@click.option("--epochs", type=click.IntRange(0), help="Epochs of training on; default: none.")
@click.option("--steps", type=click.IntRange(1), help="Steps of a batch, instead of --epochs.")
@click.option("--batch", type=click.IntRange(2), help="Images a step; default: 100.")
@click.option(
    "--lr",
    type=click.FloatRange(0, min_open=True),
    help="The learning rate at the start, which falls as a cosine; default: 0.001.",
)
@click.option("--mirror", is_flag=True, help="Train on images that are mirrored at random.")
@click.option(
    "--train-images",
    type=click.IntRange(2),
    help="Training images, drawn by class; default: all.",
)
@click.option("--limit", type=click.IntRange(1), help="Only so many test images, drawn by class.")
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=1,
    show_default=True,
    help="Of draws and of the images' order.",
)
@click.option(
    "--even-if-different",
    is_flag=True,
    help="Write the network even where it differs from what was trained.",
)
@as_json
def compress_command(
    model: Path,
    tau: int | None,
    repeats: int | None,
    min_size: int,
    data: Path | None,
    out: Path | None,
    images: int,
    train_images: int | None,
    limit: int | None,
    seed: int,
    even_if_different: bool,
    json_: bool,
    **training: Any,
) -> int:
    """Cluster the 3x3 kernels of MODEL (--tau), fit tiles to its other layers (--tile), or both.

    With --data, or for digits, thresholds are fitted again and accuracy is measured; with --epochs
    or --steps all is trained on. Where the network then differs from what was trained, nothing is
    written and the exit code is 1.

    \b
    Example: subbit compress cnv.safetensors --tau 5 --data cifar/ -o cnv-sub.safetensors
             subbit compress examples/digits-plain.safetensors --tau 4 --epochs 20 --lr 0.002
    """
    from subbit.sw.compress.compress import compress_network

    network = load_network(model)
    out = out or model.with_name(f"{model.stem}-sub.safetensors")
    if out.resolve() == model.resolve():
        raise NetworkError(f"{out} is the network to compress; name another place with --out")
    with Progress(console=plain_console(stderr=True), transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def told(name: str, done: int, total: int) -> None:
            """Show the phase's bar."""
            if name not in tasks:
                tasks[name] = bars.add_task(name)
            bars.update(tasks[name], completed=done, total=total)

        try:
            found = compress_network(
                network,
                tau=tau,
                repeats=repeats,
                min_size=min_size,
                data=data,
                images=images,
                train_images=train_images,
                limit=limit,
                seed=seed,
                training=training_of(training, seed),
                even_if_different=even_if_different,
                progress=told,
            )
            save_network(found.network, out)
            report = {**found.report, "out": str(out)}
        except DifferentError as error:
            report = {**error.report, "out": None}
    print_json(report) if json_ else show(report)
    return 0 if report["agreement"] is None or report["agreement"]["agrees"] else 1


def training_of(options: dict[str, Any], seed: int) -> "Training | None":
    """How to train, by the options; None where they do not ask for it."""
    given = {name: value for name, value in options.items() if value}
    if not given:
        return None
    if ("epochs" in given) == ("steps" in given):
        raise click.UsageError("say for how long to train: --epochs or --steps")
    from subbit.sw.compress.finetune import Training

    return Training(seed=seed, **given)


def show(report: dict[str, Any]) -> None:
    """Print the report."""
    from subbit.sw.compress.compress import agreement_text

    table = Table(title=f"{report['network']}: {report['bits_per_weight']} bits a weight")
    for column in ("layer", "encoding", "weights", "signs changed", "bits before", "bits after"):
        table.add_column(column, justify="right" if column != "layer" else "left")
    for row in report["layers"]:
        share = f"{row['changed'] / row['weights']:.1%}"
        cells = (f"{row[key]:,}" for key in ("bits_before", "bits_after"))
        table.add_row(row["layer"], row["encoding"], f"{row['weights']:,}", share, *cells)
    console = plain_console()
    console.print(table)
    bits = report["weight_bits"]
    console.print(f"weight bits: {bits['before']:,} to {bits['after']:,}", highlight=False)
    training = report["training"]
    if training is not None:
        kind = "steps" if training["steps"] else "epochs"
        length = f"{training[kind]} {kind if training[kind] > 1 else kind[:-1]}"
        console.print(
            f"trained for {length} of {training['batch']} images a step, learning rate "
            f"{training['lr']:g}{', mirrored' * training['mirror']}",
            highlight=False,
            soft_wrap=True,
        )
    console.print(f"seed {report['seed']}", highlight=False)
    for name, row in report["accuracy"].items():
        text = share_text(row["correct"], row["images"], row.get("of"), report["seed"])
        console.print(f"{name}: {text}", highlight=False, soft_wrap=True)
    if report["agreement"] is not None:
        console.print(agreement_text(report), highlight=False, soft_wrap=True)
    out = report["out"]
    where = f"written to {out}" if out else "nothing is written; --even-if-different writes it"
    console.print(where, highlight=False, markup=False, soft_wrap=True)
