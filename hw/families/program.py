"""The programs that lead from a family's netlist to a bitstream: what to look for, not where."""

from dataclasses import dataclass

__all__ = ["Program"]


@dataclass(frozen=True)
class Program:
    """A program of a family's tools and the two ways to get it.

    ``name``: of the native program. ``variable``: the environment variable that names another one.
    ``minimum``: the oldest native version that will do, asked with ``version_flag``. ``wheel``: the
    Python distribution that has it; ``module`` and ``function``: what starts it there, with the
    arguments as a list.
    """

    name: str
    variable: str
    minimum: tuple[int, ...]
    version_flag: str
    wheel: str
    module: str
    function: str
