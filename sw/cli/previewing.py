"""subbit preview: what a model of one's own would be in hardware, before it is trained."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from subbit.boards import Board
from subbit.sw.cli.console import plain_console
from subbit.sw.cli.data_options import data_kind_option, data_option
from subbit.sw.cli.options import as_json, board_option, print_json

if TYPE_CHECKING:
    from subbit.sw.ir import TensorType

__all__ = ["preview_command"]


@click.command("preview", short_help="Show what a model of your own takes, untrained.")
@click.argument("model")
@data_option
@data_kind_option
@click.option("--input", "size", metavar="HxWxC", help="The input instead of a data set's.")
@click.option(
    "--input-bits", type=click.IntRange(1, 8), default=8, show_default=True, help="With --input."
)
@click.option(
    "--classes", type=click.IntRange(2), default=10, show_default=True, help="With --input."
)
@board_option
@as_json
def preview_command(
    model: str,
    data: Path | None,
    kind: str | None,
    size: str | None,
    input_bits: int,
    classes: int,
    board: Board,
    json_: bool,
) -> int:
    """Show layer by layer what MODEL (FILE.py:NAME) becomes on a board: shapes, weight bits,
    cycles and cells; untrained.

    The file is your own program and is executed. What would keep the model from being trained or
    built is said with file and line. Exits with 1 if it does not fit the board.

    \b
    Example: subbit preview my_model.py:Net --input 28x28x1
             subbit preview my_model.py --data pictures/ --board icebreaker
    """
    from subbit.sw.train.own import preview_file

    wanted = None if size is None else take_size(size, input_bits)
    found = preview_file(model, board, data, kind=kind, input_type=wanted, classes=classes)
    if json_:
        print_json(found.to_json())
    else:
        plain_console().print(found.table())
        click.echo(found.text())
    return 0 if found.fits else 1


def take_size(text: str, bits: int) -> "TensorType":
    """The input of ``HxWxC`` pixels; raises UsageError."""
    from subbit.sw.ir import Encoding, TensorType

    sides = text.lower().split("x")
    if len(sides) != 3 or not all(side.isascii() and side.isdecimal() for side in sides):
        raise click.UsageError(f"--input is HEIGHTxWIDTHxCHANNELS, such as 28x28x1, not {text!r}")
    height, width, channels = map(int, sides)
    return TensorType.codes(height, width, channels, bits, Encoding.UNSIGNED)
