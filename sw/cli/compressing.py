"""subbit compress: a binary network as a sub-bit one."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from subbit.sw.cli.options import as_json, data_option, model_argument, print_json
from subbit.sw.errors import NetworkError
from subbit.sw.ir import Network, load_network, save_network

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
    help="Training images on which the thresholds are fitted again.",
)
@click.option("--epochs", type=click.IntRange(0), default=0, help="Epochs of fine-tuning.")
@click.option("--train-images", type=click.IntRange(100), help="Images of an epoch; default: all.")
@click.option("--limit", type=click.IntRange(1), help="Only the first images of the test set.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True)
@as_json
def compress_command(
    model: Path,
    tau: int | None,
    repeats: int | None,
    min_size: int,
    data: Path | None,
    out: Path | None,
    images: int,
    epochs: int,
    train_images: int | None,
    limit: int | None,
    seed: int,
    json_: bool,
) -> None:
    """Cluster the 3x3 kernels of MODEL (--tau), fit tiles to its other layers (--tile), or both.

    With --data, or for digits, thresholds are fitted again and accuracy is measured.

    \b
    Example: subbit compress cnv.safetensors --tau 5 --data cifar/ -o cnv-sub.safetensors
             subbit compress examples/digits-plain.safetensors --tau 4 --epochs 5
    """
    from subbit.sw.importers.shrink import shrink

    network = load_network(model)
    out = out or model.with_name(f"{model.stem}-sub.safetensors")
    if out.resolve() == model.resolve():
        raise NetworkError(f"{out} is the network to compress; name another place with --out")
    small, rows = shrink(network, tau, repeats, min_size)
    report: dict[str, Any] = {
        "network": network.name,
        "out": str(out),
        "seed": seed,
        "weights": network.weight_count,
        "weight_bits": {"before": network.weight_bits, "after": small.weight_bits},
        "bits_per_weight": round(small.weight_bits / network.weight_count, 4),
        "layers": [asdict(row) for row in rows],
        "accuracy": {},
    }
    if data is not None or network.metadata.get("dataset", {}).get("name") == "digits":
        small = fitted(network, small, report, data, (images, epochs, train_images), limit, seed)
    elif epochs:
        raise NetworkError("fine-tuning needs the training images; name their folder with --data")
    save_network(small, out)
    print_json(report) if json_ else show(report)


def fitted(
    network: Network,
    small: Network,
    report: dict[str, Any],
    data: Path | None,
    sizes: tuple[int, int, int | None],
    limit: int | None,
    seed: int,
) -> Network:
    """The compressed network after fitting and fine-tuning; accuracies go into the report."""
    from subbit.sw.evaluate import load_frames
    from subbit.sw.golden import predict
    from subbit.sw.importers.finetune import Settings, finetune
    from subbit.sw.importers.shrink import refit

    images, epochs, train_images = sizes
    test, train = load_frames(network, data, limit), load_frames(network, data, split="train")
    order = np.random.default_rng(seed).permutation(len(train.labels))
    with Progress(console=Console(stderr=True), transient=True) as bars:

        def measure(name: str, found: Network) -> None:
            """Add the number of right classes."""
            task = bars.add_task(name, total=len(test.labels))
            classes = predict(
                found, test.codes, progress=lambda done: bars.update(task, completed=done)
            ).classes
            report["accuracy"][name] = {
                "correct": int((classes == test.labels).sum()),
                "images": len(test.labels),
            }

        measure("before", network)
        measure("compressed", small)
        codes = train.codes[order[:images]].astype(np.int64)
        task = bars.add_task("fitting", total=len(network.nodes))
        small = refit(network, small, codes, lambda done, total: bars.update(task, completed=done))
        measure("fitted", small)
        if epochs:
            chosen = order[:train_images]
            task = bars.add_task("training", total=None)
            small = finetune(
                small,
                train.codes[chosen],
                train.labels[chosen],
                Settings(epochs=epochs, seed=seed),
                lambda done, total, loss: bars.update(task, completed=done, total=total),
            )
            measure("trained", small)
    return small


def show(report: dict[str, Any]) -> None:
    """Print the report."""
    table = Table(title=f"{report['network']}: {report['bits_per_weight']} bits a weight")
    for column in ("layer", "encoding", "weights", "signs changed", "bits before", "bits after"):
        table.add_column(column, justify="right" if column != "layer" else "left")
    for row in report["layers"]:
        share = f"{row['changed'] / row['weights']:.1%}"
        cells = (f"{row[key]:,}" for key in ("bits_before", "bits_after"))
        table.add_row(row["layer"], row["encoding"], f"{row['weights']:,}", share, *cells)
    console = Console()
    console.print(table)
    bits = report["weight_bits"]
    console.print(f"weight bits: {bits['before']:,} to {bits['after']:,}", highlight=False)
    for name, row in report["accuracy"].items():
        share = row["correct"] / row["images"]
        console.print(
            f"{name}: {row['correct']} of {row['images']} right ({share:.2%})", highlight=False
        )
    console.print(f"written to {report['out']}", highlight=False, soft_wrap=True)
