"""The console that tables and lines are printed on."""

from rich.console import Console

__all__ = ["plain_console"]


def plain_console(stderr: bool = False) -> Console:
    """A console that prints texts as they are: brackets and colons in names of files, classes and
    layers are no markup and no emoji, and numbers have no colours.
    """
    return Console(stderr=stderr, markup=False, emoji=False, highlight=False)
