"""subbit train, subbit eval."""

from pathlib import Path

import click
from rich.progress import Progress

from subbit.sw.cli.console import plain_console
from subbit.sw.cli.options import as_json, data_option, model_argument, print_json
from subbit.sw.ir import load_network
from subbit.sw.shares import share_text

__all__ = ["eval_command", "train_command"]


@click.command("train", short_help="Train a network.")
@click.argument("recipe")
@data_option
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="The file to write instead of RECIPE.safetensors.",
)
@click.option("--epochs", type=click.IntRange(1), help="Instead of the recipe's number.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True)
@click.option("--resume", is_flag=True, help="Go on after the last finished epoch.")
@click.option(
    "--start",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Start from the weights in this checkpoint, of a higher precision.",
)
@click.option("--keep-checkpoint", is_flag=True, help="Leave the checkpoint for another --start.")
@as_json
def train_command(
    recipe: str,
    data: Path | None,
    out: Path | None,
    epochs: int | None,
    seed: int,
    resume: bool,
    start: Path | None,
    keep_checkpoint: bool,
    json_: bool,
) -> None:
    """Train a network by a RECIPE, such as digits-plain, digits-codebook or mnist-a2w2.

    Writes the network, and its training curve beside it. After Ctrl-C, --resume goes on.

    \b
    Example: subbit train digits-codebook --out mine.safetensors
             subbit train mnist-a4w4 --data mnist/ --keep-checkpoint
             subbit train mnist-a2w2 --data mnist/ --start mnist-a4w4.checkpoint
    """
    from subbit.sw.nn.progress import training_bar
    from subbit.sw.nn.recipes import find_recipe
    from subbit.sw.nn.train import train_network

    find_recipe(recipe)
    path = out or Path(f"{recipe}.safetensors")
    with training_bar() as bar:
        result = train_network(
            recipe,
            path,
            data,
            epochs,
            seed,
            resume,
            bar,
            start=start,
            keep_checkpoint=keep_checkpoint,
        )
    if json_:
        print_json(
            {
                "network": str(result.path),
                "curve": str(result.curve),
                "correct": result.correct,
                "images": result.images,
                "accuracy": result.accuracy,
                "weight_bits": result.network.weight_bits,
                "epochs": result.epochs,
                "seed": result.seed,
            }
        )
    else:
        click.echo(
            f"{result.path}: {result.correct} of {result.images} test images right "
            f"({result.accuracy:.2%}), seed {result.seed}, curve in {result.curve}"
        )


@click.command("eval", short_help="Measure the accuracy of a network.")
@model_argument
@data_option
@click.option("--limit", type=click.IntRange(1), help="Only so many images, drawn by class.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Of the draw.")
@as_json
def eval_command(model: Path, data: Path | None, limit: int | None, seed: int, json_: bool) -> None:
    """Classify the test images of MODEL's data set with the golden model.

    With --limit every class has its share, and the result says how sure it is.

    \b
    Example: subbit eval examples/digits-plain.safetensors --json
             subbit eval examples/mnist-plain.safetensors --data mnist/ --limit 1000
    """
    from subbit.sw.evaluate import evaluate_dataset

    network = load_network(model)
    with Progress(console=plain_console(stderr=True), transient=True) as bars:
        task = bars.add_task(network.name, total=None)
        result = evaluate_dataset(
            *(network, data, limit),
            lambda done, total: bars.update(task, completed=done, total=total),
            seed=seed,
        )
    if json_:
        print_json(result.summary())
    else:
        text = share_text(result.correct, result.images, result.population, seed)
        click.echo(f"{network.name}: {text}")
