"""subbit new: a project of one's own to start from."""

from pathlib import Path

import click

from subbit.sw.cli.options import as_json, print_json
from subbit.sw.starter import TEMPLATES, new_project

__all__ = ["new_command"]


@click.command("new", short_help="Write a small project to start from.")
@click.argument("name", type=click.Path(path_type=Path))
@click.option(
    "--from",
    "template",
    type=click.Choice([*TEMPLATES]),
    default="images",
    show_default=True,
    help="What its sample data are.",
)
@as_json
def new_command(name: Path, template: str, json_: bool) -> None:
    """Write a small project of your own into the folder NAME: a generator of sample data, the call
    that trains, a Makefile, a test and a README.

    \b
    Example: subbit new shapes --from images
             subbit new words --from audio
    """
    made = new_project(name, template)
    if json_:
        print_json({"folder": str(made.folder), "files": list(made.files)})
        return
    click.echo(f"{made.folder}: {', '.join(made.files)}")
    click.echo(f"go on with: cd {made.folder} && make train sim")
