"""subbit quantise: a trained float network as one of few bits."""

from pathlib import Path
from typing import Any

import click
from rich.table import Table

from subbit.sw.cli.console import plain_console
from subbit.sw.cli.data_options import data_kind_option, data_option
from subbit.sw.cli.options import as_json, print_json

__all__ = ["quantise_command"]


@click.command("quantise", short_help="Bring a trained float network to few bits.")
@click.argument("model")
@data_option
@data_kind_option
@click.option(
    "--out", type=click.Path(path_type=Path), help="The file to write instead of FILE.safetensors."
)
@click.option(
    "--weight-bits",
    type=click.FloatRange(1, 8),
    default=4.0,
    show_default=True,
    help="Of a weight on average; a search spreads them over the layers.",
)
@click.option("--activation-bits", type=click.IntRange(1, 8), default=4, show_default=True)
@click.option(
    "--high",
    type=click.FloatRange(0, min_open=True),
    default=1.0,
    show_default=True,
    help="What the float network takes for a white pixel; black is 0.",
)
@click.option("--calibration", type=click.IntRange(2), default=256, show_default=True)
@click.option(
    "--epochs", type=click.IntRange(0), default=5, show_default=True, help="Of training on."
)
@click.option(
    "--lr",
    type=click.FloatRange(0, 10, min_open=True, max_open=True),
    default=0.0005,
    show_default=True,
)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True)
@click.option("--board", help="The board that the network must fit.")
@as_json
def quantise_command(
    model: str,
    data: Path | None,
    kind: str | None,
    out: Path | None,
    weight_bits: float,
    activation_bits: int,
    high: float,
    calibration: int,
    epochs: int,
    lr: float,
    seed: int,
    board: str | None,
    json_: bool,
) -> None:
    """Quantise MODEL, a trained float network of torch (FILE.py:NAME), and train it on.

    NAME is a function that builds the network and loads its weights; the file is your own program
    and is executed. Says what each step cost in accuracy.

    \b
    Example: subbit quantise my_float.py:trained --data pictures/ --weight-bits 3
             subbit quantise my_float.py:trained --activation-bits 2 --epochs 20 --board icebreaker
    """
    from subbit.sw.nn.progress import training_bar
    from subbit.sw.train.own import OwnTraining
    from subbit.sw.train.quantise import quantise_model

    path = out or Path(f"{Path(model.rpartition('.py')[0]).name}.safetensors")
    with training_bar() as bar:
        result = quantise_model(
            *(model, path, data),
            kind=kind,
            weight_bits=weight_bits,
            activation_bits=activation_bits,
            high=high,
            calibration=calibration,
            training=OwnTraining(epochs=epochs, lr=lr) if epochs else None,
            seed=seed,
            board=board,
            progress=bar,
            told=lambda text: click.echo(f"data: {text}", err=True),
        )
    report = result.report()
    if json_:
        print_json(report)
    else:
        show(report)


def show(report: dict[str, Any]) -> None:
    """Print what each step cost, and the bits of each layer."""
    table = Table(title=f"on {report['images']:,} test images")
    for name in ("step", "right", "accuracy", "cost", "weight bits"):
        table.add_column(name, justify="left" if name == "step" else "right", no_wrap=True)
    for row in report["steps"]:
        stored = "" if row["weight_bits"] is None else f"{row['weight_bits']:,}"
        numbers = f"{row['correct']:,}", f"{row['accuracy']:.2%}", f"{row['cost']:+.2%}"
        table.add_row(row["name"], *numbers, stored)
    plain_console().print(table)
    bits = ", ".join(f"{row['layer']} {row['bits']}" for row in report["layers"])
    click.echo(f"bits of the weights: {bits}")
    click.echo(f"{report['network']}: written")
