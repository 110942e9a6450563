"""Sliding windows over maps: sides, steps, distances of elements, and what surrounds the map."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from subbit.sw.errors import NetworkError, quote

__all__ = [
    "NO_PADS",
    "Pads",
    "Pair",
    "Side",
    "Window",
    "as_pair",
    "as_side",
    "take_pads",
    "take_side",
    "written",
]

Pair = tuple[int, int]
Pads = tuple[int, int, int, int]
# One number for height and width, or one for each.
Side = int | Pair
NO_PADS: Pads = (0, 0, 0, 0)


@dataclass(frozen=True)
class Window:
    """A window of ``kernel`` rows and columns of elements that are ``dilations`` apart, which moves
    by ``strides`` over a map with ``pads`` elements around it.

    ``kernel``, ``strides``, ``dilations``: of height and width. ``pads``: above, left of, below and
    right of the map.
    """

    kernel: Pair
    strides: Pair = (1, 1)
    dilations: Pair = (1, 1)
    pads: Pads = NO_PADS

    @classmethod
    def same(cls, kernel: Side, stride: Side = 1, dilation: Side = 1) -> Self:
        """The window with the usual padding on each side: half of what it reaches, rounded down."""
        found = cls(as_pair(kernel), as_pair(stride), as_pair(dilation))
        return cls(found.kernel, found.strides, found.dilations, found.usual_pads)

    @property
    def size(self) -> int:
        """Elements of the window."""
        return self.kernel[0] * self.kernel[1]

    @property
    def reach(self) -> Pair:
        """Height and width that it covers, its gaps included."""
        pairs = zip(self.kernel, self.dilations, strict=True)
        height, width = ((side - 1) * step + 1 for side, step in pairs)
        return height, width

    @property
    def usual_pads(self) -> Pads:
        """Half of ``reach``, rounded down, on each side."""
        above, left = (reach // 2 for reach in self.reach)
        return above, left, above, left

    @property
    def most_pads(self) -> Pads:
        """With how much padding every window still covers a part of the map."""
        above, left = (reach - 1 for reach in self.reach)
        return above, left, above, left

    def outputs(self, height: int, width: int) -> Pair:
        """Rows and columns of windows over a map of that size; below 1 where none fits."""
        above, left, below, right = self.pads
        (high, wide), (down, across) = self.reach, self.strides
        rows, columns = height + above + below - high, width + left + right - wide
        return rows // down + 1, columns // across + 1

    def rounded_up(self, height: int, width: int) -> Self:
        """The window with the padding below and on the right that a ceil mode adds: for one more
        where some of the map is left, unless that would begin behind it.
        """
        ends = []
        for axis, side in enumerate((height, width)):
            before, behind = self.pads[axis], self.pads[axis + 2]
            reach, stride = self.reach[axis], self.strides[axis]
            count = -(-(side + before + behind - reach) // stride) + 1
            count -= (count - 1) * stride >= side + before
            ends.append(max(behind, (count - 1) * stride + reach - side - before))
        pads = (self.pads[0], self.pads[1], ends[0], ends[1])
        return type(self)(self.kernel, self.strides, self.dilations, pads)

    def covers(self, height: int, width: int) -> bool:
        """Whether it is a whole map of that size."""
        return self.reach == self.kernel == (height, width) and not any(self.pads)

    @property
    def name(self) -> str:
        """Its sides as people write them: ``3x5``."""
        return f"{self.kernel[0]}x{self.kernel[1]}"

    def __str__(self) -> str:
        parts = [f"kernel {self.name}"]
        parts += [f"strides {list(self.strides)}", f"pads {list(self.pads)}"]
        if self.dilations != (1, 1):
            parts.append(f"dilations {list(self.dilations)}")
        return ", ".join(parts)


def as_pair(side: Side) -> Pair:
    """Both numbers of a Side."""
    return (side, side) if isinstance(side, int) else side


def as_side(what: str, value: Any, low: int, high: int) -> Side:
    """``value`` as one number where height and width have the same, else as two; raises
    NetworkError, naming ``what``, unless it is one or two integers in ``low..high``.
    """
    sides = list(value) if isinstance(value, Sequence) and not isinstance(value, str) else [value]
    fits = len(sides) in (1, 2) and all(type(n) is int and low <= n <= high for n in sides)
    if not fits or (len(sides) == 1 and sides[0] is not value):
        raise NetworkError(
            f"{what} is {low} to {high}, or two such numbers for height and width, "
            f"not {quote(value)}"
        )
    return sides[0] if sides[0] == sides[-1] else (sides[0], sides[1])


def take_side(
    attributes: dict[str, Any], name: str, low: int, high: int, default: int | None = None
) -> Side:
    """Remove and return the attribute ``name``: an integer in ``low..high``, or a list of two, of
    height and width; ``default`` where there may be none.
    """
    value = attributes.pop(name, default)
    return as_side(f"attribute {name!r}", value, low, high)


def take_pads(attributes: dict[str, Any]) -> Pads | None:
    """Remove and return the attribute ``pads``, which must be a list of four; None without it."""
    if "pads" not in attributes:
        return None
    pads = attributes.pop("pads")
    if not isinstance(pads, list) or len(pads) != 4:
        raise NetworkError(
            "attribute 'pads' must be a list of four integers, those above, left, below and "
            f"right, not {quote(pads)}"
        )
    return pads[0], pads[1], pads[2], pads[3]


def written(side: Side) -> Any:
    """A number as a file has it, two of them as a list."""
    return side if isinstance(side, int) else list(side)
