"""Options that say which data, of which kind, and how to read them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from subbit.sw.cli.options import take_share
from subbit.sw.data.described import PARTS
from subbit.sw.data.kinds import KINDS
from subbit.sw.data.source import DataOptions

__all__ = ["data_kind_option", "data_option", "reading_options", "split_option", "take_options"]

Command = TypeVar("Command", bound=Callable[..., Any])


def data_option(command: Command) -> Command:
    """--data."""
    return click.option(
        "--data",
        type=click.Path(path_type=Path),
        help="The data set: a folder of pictures or WAV files by class, .npz, .csv, .ts, .arff, or "
        "a folder with the files of IDX or CIFAR; digits need none.",
    )(command)


def data_kind_option(command: Command) -> Command:
    """--data-kind."""
    return click.option(
        "--data-kind",
        "kind",
        type=click.Choice([*KINDS]),
        help="The kind of the data, where it cannot be told or is another than in training.",
    )(command)


def split_option(command: Command) -> Command:
    """--split."""
    return click.option(
        "--split",
        type=click.Choice([*PARTS]),
        default="test",
        show_default=True,
        help="The part of the data; all, for data none of which was in training.",
    )(command)


def reading_options(command: Command) -> Command:
    """--size, --colour, --label, --test-share, --split-seed, --input-bits, --levels; see
    take_options.
    """
    options = (
        click.option(
            "--size",
            metavar="WxH",
            callback=take_size,
            help="Scale pictures to so many pixels; by default the size that all have, or 32x32.",
        ),
        click.option("--colour", type=click.Choice(["rgb", "grey"]), help="Of pictures."),
        click.option("--label", metavar="COLUMN", help="The column of a table with the classes."),
        click.option(
            "--test-share",
            default="20%",
            show_default=True,
            callback=take_share,
            help="Of data without a test set of their own.",
        ),
        click.option(
            "--split-seed",
            type=click.IntRange(0, (1 << 32) - 1),
            default=1,
            show_default=True,
            help="Which samples the test set gets.",
        ),
        click.option("--input-bits", type=click.IntRange(1, 8), help="Of the network's input."),
        click.option(
            "--levels",
            type=click.IntRange(1, 64),
            help="Steps of a thermometer code for each channel, instead of --input-bits.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def take_size(
    ctx: click.Context, parameter: click.Parameter, value: str | None
) -> tuple[int, int] | None:
    """Height and width from ``WIDTHxHEIGHT``."""
    if value is None:
        return None
    width, _, height = value.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal() and value.isascii()):
        raise click.BadParameter(f"{value[:40]!r} is no size such as 32x32", ctx, parameter)
    return int(height), int(width)


def take_options(options: dict[str, Any]) -> DataOptions:
    """What the options of reading_options say, which are taken out of ``options``."""
    colour = options.pop("colour")
    return DataOptions(
        size=options.pop("size"),
        colour=None if colour is None else colour == "rgb",
        label=options.pop("label"),
        test=options.pop("test_share"),
        seed=options.pop("split_seed"),
        bits=options.pop("input_bits"),
        levels=options.pop("levels"),
    )
