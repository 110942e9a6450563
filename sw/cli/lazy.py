"""A group of commands that imports a command's module only when that command is used."""

from importlib import import_module
from typing import ClassVar

import click

__all__ = ["LazyGroup"]


class LazyGroup(click.Group):
    """Commands by name: ``modules`` has the module below subbit.sw.cli of each, in which it is
    called ``NAME_command``; in the order in which a user meets them.
    """

    modules: ClassVar[dict[str, str]] = {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of the table."""
        return list(self.modules)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """See click.Group."""
        if cmd_name not in self.modules:
            return None
        module = import_module(f"subbit.sw.cli.{self.modules[cmd_name]}")
        command: click.Command = getattr(module, f"{cmd_name}_command")
        return command
