"""Small read-write memories."""

from typing import Any

from amaranth.lib.memory import Memory

__all__ = ["ram"]


def ram(width: int, depth: int, style: str) -> "Memory[Any, Any]":
    """A memory in ``style`` RAM (``block`` or ``distributed``).

    Without read-during-write logic, which costs about a LUT4 and a register per bit of a block RAM:
    whoever uses it never reads a word in the cycle in which it is written.
    """
    attrs: Any = {"ram_style": style, "no_rw_check": 1}
    return Memory(shape=width, depth=depth, init=[], attrs=attrs)
