"""What the importer knows of a tensor of the source: integers of a Network, exactly related.

A tensor that does not depend on the input is a Const: a plain constant, or integers with a scale
where a quantiser made it. Any other is a Value, which is in one of three states,

- pixels (``raw``): the input, of which nobody has decided how it becomes codes;
- codes (``kind.is_code``, not ``raw``): what a quantiser gives, and what layers with weights read;
- integers (not ``kind.is_code``): the sums that a layer gives;

and in any of them it may carry what is still to be done, which a quantiser folds into thresholds:

- waiting steps (``steps``): operations on each element, linear ones with ``slope`` and ``shift``;
- waiting pooling (``pool_at``): 2x2 max pooling after that many of the steps;
- another order (``index`` is not that of ``map_index``): a tensor that was reshaped or transposed.

NetworkBuilder brings a Value from one state to another; docs/extend/adding-an-operator.md lists
which rule takes and gives which state.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subbit.sw.errors import NetworkError
from subbit.sw.ir import TensorType

__all__ = ["Const", "ElementStep", "Fractions", "Value", "exact", "fill", "is_uniform"]

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
Fractions = NDArray[np.object_]
MAX_STEPS = 64


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
    """One operation on each element, a function of its channel, that never falls or never rises.

    ``run`` takes and gives float32 ``(batch, channels)`` and rounds as the source does; where the
    operation is linear, ``slope * x + shift`` is what it computes without rounding, ``(channels,)``
    each. ``node`` names it. ``about``: whether its last bit may depend on where in a tensor a
    number stands, as that of approximations does.
    """

    node: str
    run: Callable[[Floats], Floats]
    slope: Fractions | None = None
    shift: Fractions | None = None
    about: bool = False


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
    ``pool_at`` is not None: 2x2 max pooling after that many steps. ``scale``, ``offset``: exact,
    ``(channels,)``. ``index``: of the source's shape without the batch, the place in the row-major
    ``(height, width, channels)`` where each element lies. ``levels``: of codes, how many occur; all
    if 0. ``raw``: the pixels, of which nobody has decided how they become codes.
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

    def then(self, step: ElementStep) -> "Value":
        """The value after one more operation; raises NetworkError after MAX_STEPS of them."""
        if len(self.steps) >= MAX_STEPS:
            raise NetworkError(f"more than {MAX_STEPS} operations follow without a quantiser")
        return replace(self, steps=(*self.steps, step))

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape in the source, with a batch of 1."""
        return 1, *self.index.shape

    @property
    def is_map(self) -> bool:
        """Whether the source sees (channels, height, width), in the places of the Network."""
        return np.array_equal(self.index, map_index(self.kind))

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

    def run(self, numbers: Ints, start: int = 0, stop: int | None = None) -> Floats:
        """The source's numbers for values ``(batch, channels)`` after the steps up to ``stop``."""
        x = self.real(numbers)
        for step in self.steps[start:stop]:
            x = step.run(x)
        return x

    def channels_of(self, constant: NDArray[Any]) -> NDArray[Any] | None:
        """The constant that meets each channel, ``(channels,)``; None if it differs within one.

        Raises ValueError where it does not broadcast to the source's shape.
        """
        if constant.size == 1:
            return np.full(self.kind.channels, constant.reshape(-1)[0])
        full = np.broadcast_to(constant, self.shape)
        flat = np.empty(prod(self.index.shape), constant.dtype)
        flat[self.index.reshape(-1)] = full.reshape(-1)
        rows = flat.reshape(-1, self.kind.channels)
        return rows[0] if bool((rows == rows[0]).all()) else None


def map_index(kind: TensorType) -> Ints:
    """The index of a tensor that the source sees as (channels, height, width)."""
    places = np.arange(kind.elements, dtype=np.int64)
    return places.reshape(kind.shape).transpose(2, 0, 1)
