"""One operation of a source graph, whatever format it came in."""

from dataclasses import dataclass
from typing import Any, TypeVar

from numpy.typing import NDArray

from subbit.sw.errors import NetworkError

__all__ = ["Op", "Refusal", "axes_of", "reshaped", "with_places"]

T = TypeVar("T")


class Refusal(NetworkError):
    """A node cannot be taken; the text names it. ``fixed``: whether it can in fixed point."""

    fixed = False


@dataclass(frozen=True, eq=False)
class Op:
    """One node: its name, its kind (``Conv``), tensors read and made, and attributes.

    ``place``: the file and line in which its user wrote it, where that is known.
    """

    name: str
    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any]
    domain: str = ""
    label: str = ""
    place: str = ""

    def __str__(self) -> str:
        where = f"{self.place}: " if self.place else ""
        return f"{where}node {self.name[:80]!r} ({self.label or self.kind})"

    def refuse(self, reason: str, remedy: str, *, fixed: bool = False) -> Refusal:
        """The error that says why this node cannot be taken, and what to do. ``fixed``: whether it
        can in fixed point.
        """
        error = Refusal(f"{self}: {reason}; {remedy}")
        error.fixed = fixed
        return error


def axes_of(op: Op, inputs: list[NDArray[Any]]) -> tuple[int, ...]:
    """The axes that an operator names, as an attribute or, since opset 13, as an input."""
    axes = op.attributes.get("axes") if len(inputs) < 2 else inputs[1].reshape(-1).tolist()
    return tuple(int(axis) for axis in axes or ())


def with_places(op: Op, inputs: list[T]) -> dict[int, T]:
    """The inputs by their places; those that a node leaves out have no name, and no entry."""
    places = [place for place, name in enumerate(op.inputs) if name]
    return dict(zip(places, inputs, strict=True))


def reshaped(op: Op, shape: tuple[int, ...], wanted: list[int]) -> list[int]:
    """The sides that Reshape makes of ``shape``: 0 keeps one, unless ``allowzero`` is set."""
    if op.attributes.get("allowzero"):
        return wanted
    return [shape[place] if side == 0 else side for place, side in enumerate(wanted)]
