"""How far float32, in which a source computes, may be from what is exact.

A source rounds every product and every sum. What it gives is then within FLOAT32_ERROR of the exact
number, relative to the greatest number that can occur on the way: a few units of its last bit.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subbit.sw.importers.exact.quantiser import Quantiser
from subbit.sw.importers.exact.value import Value
from subbit.sw.ir import TensorType

__all__ = ["FLOAT32_ERROR", "Reals", "Within", "error_of", "steps_error", "within"]

FLOAT32_ERROR = 2.0**-22
Reals = NDArray[np.float64]
# From the Network's tensors ``[n][y][x][c]`` to the least and the greatest number of the source.
Within = Callable[[Mapping[str, NDArray[np.int64]]], tuple[Reals, Reals]]


def error_of(kind: TensorType, scale: NDArray[Any], offset: NDArray[Any]) -> Reals:
    """The greatest rounding error of ``scale * v + offset`` for each channel, v of the type."""
    greatest = max(abs(end) for end in kind.value_range)
    reals = np.abs(scale.astype(np.float64)) * greatest + np.abs(offset.astype(np.float64))
    return np.asarray(FLOAT32_ERROR * reals, np.float64)


def steps_error(value: Value, kind: TensorType) -> Reals:
    """The greatest rounding error for each channel behind linear steps, ``kind`` before them."""
    error = error_of(kind, value.scale, value.offset)
    for step in value.steps:
        assert step.slope is not None
        assert step.shift is not None
        slope, shift = (np.abs(row.astype(np.float64)) for row in (step.slope, step.shift))
        error = error * slope + FLOAT32_ERROR * shift
    return error


def within(value: Value, kind: TensorType, quantiser: Quantiser, pooled: bool) -> Within:
    """The levels between which a quantiser's result lies if its input is off by a rounding error.

    ``kind``: of the integers of ``value``; ``pooled``: whether 2x2 max pooling follows.
    """
    return partial(ends_of, value, error_of(kind, value.scale, value.offset), quantiser, pooled)


def ends_of(
    value: Value,
    error: Reals,
    quantiser: Quantiser,
    pooled: bool,
    tensors: Mapping[str, NDArray[np.int64]],
) -> tuple[Reals, Reals]:
    """See within."""
    numbers = tensors[value.name]
    scale = np.abs(value.scale.astype(np.float64))
    reach = np.divide(error, scale, out=np.zeros_like(error), where=scale > 0)
    flat: NDArray[Any] = numbers.reshape(-1, numbers.shape[-1]).astype(np.float64)
    base, step = quantiser.base.astype(np.float64), quantiser.step.astype(np.float64)
    found = [
        (base + step * quantiser.codes(value.run(flat + side))).reshape(numbers.shape)
        for side in (-reach, 0 * reach, reach)
    ]
    if pooled:
        found = [largest(x) for x in found]
    return np.minimum.reduce(found), np.maximum.reduce(found)


def largest(x: Reals) -> Reals:
    """2x2 maxima of ``[n][y][x][c]``, odd ends dropped."""
    height, width = x.shape[1] // 2 * 2, x.shape[2] // 2 * 2
    x = x[:, :height, :width]
    return np.asarray(x.reshape(len(x), height // 2, 2, width // 2, 2, -1).max(axis=(2, 4)))
