"""The options of subbit train for models of one's own."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

__all__ = ["own_options"]

Command = TypeVar("Command", bound=Callable[..., Any])
# As of subbit.sw.nn.settings.Schedule, which needs torch.
SCHEDULES = ("cosine", "linear", "steps", "constant")
NUMBERS: dict[str, tuple[click.ParamType, str]] = {
    "--batch": (click.IntRange(2), "images a step (64)"),
    "--lr": (click.FloatRange(0, 10, min_open=True, max_open=True), "first learning rate (0.005)"),
    "--warmup": (click.FloatRange(0), "epochs in which the rate rises (0)"),
    "--patience": (click.IntRange(1), "stop after so many epochs without a lower held-out loss"),
    "--shift": (click.FloatRange(0), "random shifts, in pixels (0)"),
    "--degrees": (click.FloatRange(0), "random rotations (0)"),
    "--scale": (click.FloatRange(0, 0.9), "random scalings (0)"),
    "--distil": (click.FloatRange(0, 1), "the teacher's share of the loss (0.5)"),
    "--temperature": (
        click.FloatRange(0, 100, min_open=True),
        "what softens both logits with a teacher (4)",
    ),
}


def own_options(command: Command) -> Command:
    """The options of ``subbit train`` for models of one's own, None where they are not given."""
    options = [
        click.option("--board", help="Of an own model: the board that it must fit."),
        click.option(
            "--schedule",
            type=click.Choice(SCHEDULES),
            help="Of an own model: the rate over the run (cosine).",
        ),
        *(
            click.option(name, type=kind, help=f"Of an own model: {text}.")
            for name, (kind, text) in NUMBERS.items()
        ),
        click.option(
            "--teacher", metavar="FILE.py:NAME", help="Of an own model: a trained module to follow."
        ),
        click.option(
            "--tensorboard",
            type=click.Path(path_type=Path),
            help="Of an own model: a folder for TensorBoard's scalars.",
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command
