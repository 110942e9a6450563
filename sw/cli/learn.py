"""subbit train, subbit eval."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.progress import Progress
from rich.table import Table

from subbit import boards
from subbit.sw.cli.console import plain_console
from subbit.sw.cli.data_options import (
    data_kind_option,
    data_option,
    reading_options,
    split_option,
    take_options,
)
from subbit.sw.cli.options import as_json, model_argument, print_json
from subbit.sw.cli.own_options import own_options
from subbit.sw.ir import load_network
from subbit.sw.shares import share_text

if TYPE_CHECKING:
    from subbit.sw.evaluate import Evaluation
    from subbit.sw.train.rate import Candidate
    from subbit.sw.train.train import TrainResult

__all__ = ["eval_command", "train_command"]


@click.command("train", short_help="Train a network.")
@click.argument("recipe")
@data_option
@data_kind_option
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
@reading_options
@click.option(
    "--sharing",
    type=click.FloatRange(0),
    default=0.0,
    show_default=True,
    metavar="WEIGHT",
    help="Train rows of weights to be alike, which makes layers of wires smaller; about 2.",
)
@click.option(
    "--for", "target_board", metavar="BOARD", help="Tile layers until this board reaches --fps."
)
@click.option(
    "--fps",
    type=click.FloatRange(0, min_open=True),
    help="Frames a second to reach, with --for.",
)
@own_options
@as_json
def train_command(
    recipe: str,
    data: Path | None,
    kind: str | None,
    out: Path | None,
    epochs: int | None,
    seed: int,
    resume: bool,
    start: Path | None,
    keep_checkpoint: bool,
    sharing: float,
    target_board: str | None,
    fps: float | None,
    json_: bool,
    **more: Any,
) -> None:
    """Train a network by a RECIPE, or a model of your own, FILE.py:NAME.

    The recipes digits-plain, mnist-a2w2 and others have data sets of their own; cnn-plain,
    cnn-codebook, cnn-tiled, cnn-a2w2, mlp-plain, mlp-tiled, mlp-a2w2 and signal-plain are for your
    own data, whose kind is detected.

    Writes the network, and its training curve beside it. After Ctrl-C, --resume goes on. A file is
    your own program and is executed; its model is checked whole before the first epoch.

    With --for BOARD --fps N the recipe's inner layers get the least compressed tiles or codebooks
    for which the board reaches N frames/s; that is found out before anything is trained, and a plan
    is written, too.

    \b
    Example: subbit train cnn-plain --data pictures/ --out mine.safetensors
             subbit train mlp-plain --data flowers.csv --label species
             subbit train digits-codebook --out mine.safetensors
             subbit train mnist-a4w4 --data mnist/ --keep-checkpoint
             subbit train mnist-a2w2 --data mnist/ --start mnist-a4w4.checkpoint
             subbit train digits-plain --sharing 2 --for ulx3s-12f --fps 2000000
             subbit train my_model.py:Net --data pictures/ --board ulx3s
    """
    from subbit.sw.nn.progress import training_bar
    from subbit.sw.nn.recipes import find_recipe
    from subbit.sw.train.model_file import is_model_file
    from subbit.sw.train.train import Target, train_network

    options = take_options(more)
    if is_model_file(recipe):
        if sharing or target_board or fps:
            raise click.UsageError("--sharing, --for and --fps are for recipes")
        run: dict[str, Any] = {"seed": seed, "resume": resume, "start": start}
        run |= {"keep_checkpoint": keep_checkpoint, "kind": kind, "options": options}
        return show_result(train_file(recipe, out, data, epochs, more, run), json_)
    refuse_own(more)
    find_recipe(recipe)
    if (target_board is None) != (fps is None):
        raise click.UsageError("--for and --fps go together: a board, and a rate to reach on it")
    target = None
    if target_board is not None and fps is not None:
        target = Target(boards.board(target_board), fps, show_candidate)
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
            kind=kind,
            options=options,
            told=lambda text: click.echo(f"data: {text}", err=True),
            sharing=sharing,
            target=target,
        )
    show_result(result, json_)
    if result.plan:
        click.echo(f"{result.plan}: {result.fps:,.0f} frames/s on {target_board}", err=json_)
    elif target:
        said = f"the trained network has no plan of {fps:,.0f} frames/s on {target_board}"
        click.echo(said, err=json_)


def show_result(result: "TrainResult", json_: bool) -> None:
    """Print what a training run has made."""
    if json_:
        print_json(
            {
                "network": str(result.path),
                "curve": str(result.curve),
                "correct": result.correct,
                result.what: result.images,
                "accuracy": result.accuracy,
                "weight_bits": result.network.weight_bits,
                "epochs": result.epochs,
                "seed": result.seed,
                **({"plan": str(result.plan), "fps": result.fps} if result.plan else {}),
            }
        )
    else:
        click.echo(
            f"{result.path}: {result.correct} of {result.images} test {result.what} right "
            f"({result.accuracy:.2%}), seed {result.seed}, curve in {result.curve}"
        )


def show_candidate(candidate: "Candidate") -> None:
    """Say what was looked at, and whether it reaches the rate."""
    reached = f"{candidate.fps:,.0f} frames/s" if candidate.fps else "too slow or too large"
    click.echo(f"{candidate.text}: {candidate.weight_bits:,} bits, {reached}", err=True)


def train_file(
    model: str,
    out: Path | None,
    data: Path | None,
    epochs: int | None,
    own: dict[str, Any],
    run: dict[str, Any],
) -> "TrainResult":
    """Train a model of the user's own."""
    from subbit.sw.nn.progress import training_bar
    from subbit.sw.train.own import OwnTraining, train_model

    board, teacher, events = (own.pop(name) for name in ("board", "teacher", "tensorboard"))
    said = {name: value for name, value in own.items() if value is not None}
    if epochs is not None:
        said["epochs"] = epochs
    path = out or Path(f"{Path(model.rpartition('.py')[0]).name}.safetensors")
    with training_bar() as bar:
        return train_model(
            *(model, path, data),
            training=OwnTraining(**said),
            board=board,
            teacher=teacher,
            events=events,
            progress=bar,
            told=lambda text: click.echo(f"data: {text}", err=True),
            **run,
        )


def refuse_own(own: dict[str, Any]) -> None:
    """Raise UsageError where an option for own models is given with a recipe."""
    for name, value in own.items():
        if value is not None:
            raise click.UsageError(
                f"--{name.replace('_', '-')} is for a model of your own, FILE.py:NAME; "
                "recipes have their own settings"
            )


@click.command("eval", short_help="Measure the accuracy of a network.")
@model_argument
@data_option
@data_kind_option
@click.option("--limit", type=click.IntRange(1), help="Only so many images, drawn by class.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Of the draw.")
@split_option
@click.option(
    "--frames",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE.npz",
    help="Frames 'codes' and what is 'wanted' of each: a class, a class a pixel, or numbers.",
)
@as_json
def eval_command(
    model: Path,
    data: Path | None,
    kind: str | None,
    limit: int | None,
    seed: int,
    split: str,
    frames: Path | None,
    json_: bool,
) -> None:
    """Classify the test images of MODEL's data set with the golden model, and say of each class how
    many are right.

    With --limit every class has its share, and the result says how sure it is. With --frames the
    output for given frames is compared: accuracy, F1 and intersection over union of classes, or the
    mean absolute error of numbers.

    \b
    Example: subbit eval examples/digits-plain.safetensors --json
             subbit eval examples/mnist-plain.safetensors --data mnist/ --limit 1000
             subbit eval mine.safetensors --data newer-pictures/ --split all
             subbit eval segmentation.safetensors --frames validation.npz
    """
    from subbit.sw.evaluate import evaluate_dataset, evaluate_frames

    network = load_network(model)
    if frames is not None:
        if (data, kind, limit, split) != (None, None, None, "test"):
            raise click.UsageError(
                "--data, --data-kind, --limit and --split are for a data set, not for --frames."
            )
        scores = evaluate_frames(network, frames).summary()
        if json_:
            print_json(scores)
        else:
            rows = (f"{name.replace('_', ' ')} {value}" for name, value in scores.items())
            click.echo(", ".join(rows))
        return
    with Progress(console=plain_console(stderr=True), transient=True) as bars:
        task = bars.add_task(network.name, total=None)
        result = evaluate_dataset(
            *(network, data, limit),
            lambda done, total: bars.update(task, completed=done, total=total),
            seed=seed,
            split=split,
            kind=kind,
        )
    if json_:
        print_json(result.summary())
    else:
        show(result)


def show(result: "Evaluation") -> None:
    """Print the share right of each class, and of all."""
    in_maps = result.iou is not None
    what = "pixels" if in_maps else "images"
    table = Table("class", what, "right", "else mostly taken for")
    for row in result.by_class():
        table.add_row(row["name"], str(row["images"]), str(row["correct"]), row["taken_for"] or "")
    plain_console().print(table)
    if in_maps:
        text = (
            f"{result.correct:,} of {result.answers:,} pixels of {result.images:,} images right "
            f"({result.accuracy:.2%}), mean intersection over union {result.iou:.4f}"
        )
    else:
        text = share_text(result.correct, result.images, result.population, result.seed)
    click.echo(f"{result.network}: {text}")
