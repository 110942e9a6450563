"""How far float32, in which a source computes, may be from what is exact.

A source rounds every product and every sum. What it gives is then within FLOAT32_ERROR of the exact
number, relative to the greatest number that can occur on the way: a few units of its last bit.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subbit.sw.importers.exact.quantiser import Quantiser
from subbit.sw.importers.exact.value import Value
from subbit.sw.ir import MaxPool2d, TensorType

__all__ = ["FLOAT32_ERROR", "Bools", "Reals", "Within", "error_of", "steps_error"]

FLOAT32_ERROR = 2.0**-22
Reals = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Within:
    """The levels between which a quantiser's result lies if its input is off by a rounding error.

    ``value``: what is quantised; ``kind``: the type of its integers; ``pool``: the max pooling that
    follows, if any.
    """

    value: Value
    kind: TensorType
    quantiser: Quantiser
    pool: MaxPool2d | None

    def ends(
        self, tensors: Mapping[str, NDArray[np.int64]], exactly: Mapping[str, Bools]
    ) -> tuple[Reals, Reals]:
        """The least and the greatest level, ``[n][y][x][c]``, for the Network's tensors.

        ``exactly``: by tensor, where the source's number is the exact one: nothing is off there,
        but for what approximations make of it, which are themselves off by as much.
        """
        value, numbers = self.value, tensors[self.value.name]
        error = error_of(self.kind, value.scale, value.offset)
        scale = np.abs(value.scale.astype(np.float64))
        reach = np.divide(error, scale, out=np.zeros_like(error), where=scale > 0)
        off = np.broadcast_to(reach, numbers.shape)
        about = any(step.about for step in value.steps)
        if not about:
            known = exactly.get(value.name, False) | sums_are_exact(
                self.kind, value.scale, value.offset
            )
            off = np.where(known, 0.0, off)
        ends = (-FLOAT32_ERROR, 0.0, FLOAT32_ERROR) if about else (0.0,)
        found = [self.levels(numbers + side * off, end) for side in (-1, 0, 1) for end in ends]
        return np.minimum.reduce(found), np.maximum.reduce(found)

    def levels(self, numbers: Reals, off: float = 0.0) -> Reals:
        """The source's numbers behind the quantiser, and the pooling; ``off`` as in Value.run."""
        flat: NDArray[Any] = numbers.reshape(-1, numbers.shape[-1])
        base, step = (x.astype(np.float64) for x in (self.quantiser.base, self.quantiser.step))
        codes = self.quantiser.codes(self.value.run(flat, off=off))
        made: Reals = (base + step * codes).reshape(numbers.shape)
        return largest(made, self.pool) if self.pool else made


def error_of(kind: TensorType, scale: NDArray[Any], offset: NDArray[Any]) -> Reals:
    """The greatest rounding error of ``scale * v + offset`` for each channel, v of the type."""
    greatest = max(abs(end) for end in kind.value_range)
    reals = np.abs(scale.astype(np.float64)) * greatest + np.abs(offset.astype(np.float64))
    return np.asarray(FLOAT32_ERROR * reals, np.float64)


def sums_are_exact(kind: TensorType, scale: NDArray[Any], offset: NDArray[Any]) -> Bools:
    """Whether float32 rounds no sum on the way to ``scale * v + offset``, for each channel: all are
    multiples of one power of two, and at most 2**24 times it.
    """
    greatest = max(abs(end) for end in kind.value_range)
    found = []
    for slope, shift in zip(scale, offset, strict=True):
        unit = max(slope.denominator, shift.denominator)
        dyadic = all(not n.denominator & (n.denominator - 1) for n in (slope, shift))
        found.append(dyadic and (abs(slope) * greatest + abs(shift)) * unit < 1 << 24)
    return np.array(found, np.bool_)


def steps_error(value: Value, kind: TensorType) -> Reals:
    """The greatest rounding error for each channel behind linear steps, ``kind`` before them."""
    error = error_of(kind, value.scale, value.offset)
    for step in value.steps:
        assert step.slope is not None
        assert step.shift is not None
        slope, shift = (np.abs(row.astype(np.float64)) for row in (step.slope, step.shift))
        error = error * slope + FLOAT32_ERROR * shift
    return error


def largest(x: Reals, pool: MaxPool2d) -> Reals:
    """The maxima of the windows over ``[n][y][x][c]``."""
    (above, left, below, right), window = pool.pads, pool.window
    edges = ((0, 0), (above, below), (left, right), (0, 0))
    padded = np.pad(x, edges, constant_values=-np.inf)
    view = np.lib.stride_tricks.sliding_window_view(padded, window.kernel, axis=(1, 2))
    return np.asarray(view[:, :: window.strides[0], :: window.strides[1]].max(axis=(4, 5)))
