"""What the importer knows of a tensor of the source: integers of a Network, exactly related.

A tensor that does not depend on the input is a Const: a plain constant, or integers with a scale
where a quantiser made it. Any other is a Value, which is in one of three states,

- pixels (``raw``): the input, of which nobody has decided how it becomes codes;
- codes (``kind.is_code``, not ``raw``): what a quantiser gives, and what layers with weights read;
- integers (not ``kind.is_code``): the sums that a layer gives;

and in any of them it may carry what is still to be done, which a quantiser folds into thresholds:

- waiting steps (``steps``): operations on each element, linear ones with ``slope`` and ``shift``,
  those that give few levels with the grid on which these lie;
- waiting pooling (``pool_at``): max pooling, ``pool``, after that many of the steps;
- another order (``index`` is not that of ``map_index``): a tensor that was reshaped or transposed.

NetworkBuilder brings a Value from one state to another; docs/extend/adding-an-operator.md lists
which rule takes and gives which state.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subbit.sw.errors import NetworkError
from subbit.sw.ir import MaxPool2d, TensorType

__all__ = [
    "FLOAT",
    "Const",
    "ElementStep",
    "Fractions",
    "Grid",
    "Value",
    "exact",
    "fill",
    "is_uniform",
    "map_index",
]

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
Fractions = NDArray[np.object_]
# Numbers ``base + k * step`` with integers k: base and step, ``(channels,)`` each, steps positive.
Grid = tuple[Fractions, Fractions]
FLOAT = "float32"
MAX_STEPS = 64
# Operations that one number goes through, those of combined tensors counted each time.
MAX_COST = 1024


def exact(array: NDArray[np.floating]) -> Fractions:
    """Every float as the fraction that it is."""
    flat = np.asarray(array)
    if not np.isfinite(flat).all():
        raise NetworkError("a constant is NaN or infinite; train and export the network again")
    values, places = np.unique(flat.astype(np.float64), return_inverse=True)
    table = np.array([Fraction(0), *(Fraction(float(v)) for v in values)], object)[1:]
    return np.asarray(table[places.reshape(flat.shape)], object)


def fill(count: int, number: Fraction | int) -> Fractions:
    """``count`` times the same fraction."""
    return np.full(count, Fraction(number), object)


def is_uniform(numbers: Fractions) -> bool:
    """Whether all elements are equal."""
    return bool((numbers == numbers[0]).all())


@dataclass(frozen=True, eq=False)
class ElementStep:
    """One operation on each element, a function of its channel.

    ``run`` takes and gives float32 ``(batch, channels)`` and rounds as the source does; where the
    operation is linear, ``slope * x + shift`` is what it computes without rounding, ``(channels,)``
    each. ``node`` and ``kind`` name it, ``tensor`` what it gives. ``monotone``: it never falls, or
    never rises, in each channel. ``onto``: the grid of its results, given that of what comes in.
    ``gives``: the source's type of its results. ``difference``: of which two values it is one.
    ``cost``: how many operations it stands for. ``about``: whether its last bit may depend on where
    in a tensor a number stands, as that of approximations does. ``index``: that of the Value when
    the step was added; later moves do not change the order of ``tensor``.
    """

    node: str
    run: Callable[[Floats], Floats]
    slope: Fractions | None = None
    shift: Fractions | None = None
    monotone: bool = True
    onto: Callable[[Grid | None], Grid | None] | None = None
    gives: str = FLOAT
    tensor: str = ""
    kind: str = ""
    difference: "tuple[Value, Value] | None" = None
    cost: int = 1
    about: bool = False
    index: Ints | None = None

    def grid(self, before: Grid | None) -> Grid | None:
        """The grid of the results, ``before`` being that of what comes in; None without one."""
        if self.onto is not None:
            return self.onto(before)
        if before is None or self.slope is None or self.shift is None:
            return None
        gap = abs(before[1] * self.slope)
        return before[0] * self.slope + self.shift, np.array(
            [n or Fraction(1) for n in gap], object
        )


@dataclass(frozen=True, eq=False)
class Const:
    """A constant ``array``, or ``array * scale`` where a quantiser made it of integers.

    ``scale`` is float32 and broadcasts to the array's shape; None stands for 1.
    """

    array: NDArray[Any]
    scale: Floats | None = None

    def real(self) -> NDArray[Any]:
        """The constant's numbers."""
        return self.array if self.scale is None else self.array * self.scale


@dataclass(frozen=True, eq=False)
class Value:
    """A tensor of the source, ``step_n(...step_1(scale * v + offset))`` of the Network's values v.

    ``name``: the Network's tensor; ``kind``: its type, behind the pooling that is to come where
    ``pool_at`` is not None: that of ``pool`` after that many steps. ``scale``, ``offset``: exact,
    ``(channels,)``. ``index``: of the source's shape without the batch, the place in the row-major
    ``(height, width, channels)`` where each element lies. ``levels``: of codes, how many occur; all
    if 0. ``raw``: the pixels, of which nobody has decided how they become codes. ``margins``: zeros
    above, left of, below and right of the map that a Pad adds, not in ``index``.
    """

    name: str
    kind: TensorType
    scale: Fractions
    offset: Fractions
    index: Ints
    steps: tuple[ElementStep, ...] = ()
    pool_at: int | None = None
    levels: int = 0
    raw: bool = False
    margins: tuple[int, int, int, int] = (0, 0, 0, 0)
    pool: MaxPool2d = field(default_factory=MaxPool2d)

    def then(self, step: ElementStep) -> "Value":
        """The value after one more operation; raises NetworkError after MAX_STEPS of them."""
        self.check_margins()
        if sum(step.cost for step in (*self.steps, step)) > MAX_COST:
            raise NetworkError("more operations are combined than a quantiser can fold")
        if len(self.steps) >= MAX_STEPS:
            raise NetworkError(f"more than {MAX_STEPS} operations follow without a quantiser")
        return replace(self, steps=(*self.steps, replace(step, index=self.index)))

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape in the source, with a batch of 1."""
        if not any(self.margins):
            return 1, *self.index.shape
        sides, (above, left, below, right) = list(self.index.shape), self.margins
        height, width = self.map_axes
        sides[height] += above + below
        sides[width] += left + right
        return 1, *sides

    def check_margins(self) -> None:
        """Raise NetworkError where zeros surround the map that nothing has taken yet."""
        if any(self.margins):
            raise NetworkError(
                "it follows a Pad, which only a convolution or average pooling takes in; pad right "
                "before those"
            )

    def without_margins(self) -> "Value":
        """The map that the zeros surround."""
        return replace(self, margins=(0, 0, 0, 0))

    @property
    def is_map(self) -> bool:
        """Whether the source sees (channels, height, width), in the places of the Network."""
        return np.array_equal(self.index, map_index(self.kind))

    @property
    def map_axes(self) -> tuple[int, ...]:
        """The sides of ``index`` that are height and width, where the source sees a map with its
        channels first or last; else none.
        """
        first = map_index(self.kind)
        if np.array_equal(self.index, first):
            return 1, 2
        return (0, 1) if np.array_equal(self.index, first.transpose(1, 2, 0)) else ()

    @property
    def dtype(self) -> str:
        """The source's type of the numbers: float32, bool, or one of integers."""
        return self.steps[-1].gives if self.steps else FLOAT

    @property
    def monotone(self) -> bool:
        """Whether all steps together never fall, or never rise, in each channel."""
        return all(step.monotone for step in self.steps)

    def grid(self) -> Grid | None:
        """The grid that the numbers lie on; None where no step says so."""
        found: Grid | None = None
        for step in self.steps:
            found = step.grid(found)
        return found

    @property
    def waiting_pool(self) -> tuple[int, MaxPool2d] | None:
        """The pooling that is to come, and after how many steps, if any is."""
        return None if self.pool_at is None else (self.pool_at, self.pool)

    def same_base(self, other: "Value") -> bool:
        """Whether both are functions of one tensor of the Network, element by element."""
        return (
            (self.name, self.waiting_pool, self.raw, self.margins)
            == (other.name, other.waiting_pool, other.raw, other.margins)
            and np.array_equal(self.index, other.index)
            and bool((self.scale == other.scale).all() and (self.offset == other.offset).all())
        )

    def is_same(self, other: "Value") -> bool:
        """Whether both are the same function of one tensor of the Network."""
        return self.same_base(other) and self.steps == other.steps

    def line(self) -> tuple[Fractions, Fractions] | None:
        """``scale`` and ``offset`` with all steps; None if one of them is not linear."""
        scale, offset = self.scale, self.offset
        for step in self.steps:
            if step.slope is None or step.shift is None:
                return None
            scale, offset = scale * step.slope, offset * step.slope + step.shift
        return scale, offset

    def blocking(self) -> str:
        """The first step that is not linear."""
        return next((step.node for step in self.steps if step.slope is None), "")

    def real(self, numbers: Ints) -> Floats:
        """``scale * v + offset`` of values ``(batch, channels)``, rounded once to float32."""
        scale, offset = self.scale.astype(np.float64), self.offset.astype(np.float64)
        rounded: Floats = (numbers * scale + offset).astype(np.float32)
        return rounded

    def run(
        self, numbers: Ints, start: int = 0, stop: int | None = None, off: float = 0.0
    ) -> Floats:
        """The source's numbers for values ``(batch, channels)`` after the steps up to ``stop``.

        ``off``: the error to add behind each approximation, relative to the greatest number of its
        channel or to 1, whichever is more.
        """
        x = self.real(numbers)
        for step in self.steps[start:stop]:
            x = step.run(x)
            if off and step.about:
                greatest = np.abs(x).max(axis=0, initial=1.0, where=np.isfinite(x))
                x = (x + off * greatest).astype(np.float32)
        return x

    def channels_of(self, constant: NDArray[Any]) -> NDArray[Any] | None:
        """The constant that meets each channel, ``(channels,)``; None if it differs within one.

        Raises ValueError where it does not broadcast to the source's shape.
        """
        if constant.size == 1:
            return np.full(self.kind.channels, constant.reshape(-1)[0])
        full = np.broadcast_to(constant, (1, *self.index.shape))
        flat = np.empty(prod(self.index.shape), constant.dtype)
        flat[self.index.reshape(-1)] = full.reshape(-1)
        rows = flat.reshape(-1, self.kind.channels)
        return rows[0] if bool((rows == rows[0]).all()) else None


def map_index(kind: TensorType) -> Ints:
    """The index of a tensor that the source sees as (channels, height, width)."""
    places = np.arange(kind.elements, dtype=np.int64)
    return places.reshape(kind.shape).transpose(2, 0, 1)
