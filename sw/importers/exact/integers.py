"""From arrays of numbers to the integer weights of a Network and their exact factors."""

from fractions import Fraction
from math import gcd

import numpy as np
from numpy.typing import NDArray

from subbit.sw.importers.exact.value import Const, Fractions, exact
from subbit.sw.ir import BinaryWeights, PlanesWeights, Weights

__all__ = ["Inexact", "as_integers", "as_weights"]

Ints = NDArray[np.int64]
MAX_LEVEL = 255
MAX_PLANES = 9


class Inexact(Exception):
    """The numbers are not integers times one factor an output; the text says why."""


def as_integers(weights: Const) -> tuple[Ints, Fractions]:
    """Integers of the weights' shape (out, ...) and the factor of every output, ``(out,)``.

    Their products are exactly the weights. Raises Inexact.
    """
    array = np.asarray(weights.array)
    rows = array.reshape(len(array), -1)
    if weights.scale is None:
        found = [common_factor(row) for row in rows]
        numbers = np.stack([numbers for numbers, _ in found])
        return numbers.reshape(array.shape), np.array([f for _, f in found], object)
    scale = np.broadcast_to(weights.scale, array.shape).reshape(len(array), -1)
    if not (scale == scale[:, :1]).all():
        raise Inexact("its weights have a scale for each input")
    halves = next((p for p in range(9) if (rows * 2**p == np.rint(rows * 2**p)).all()), None)
    if halves is None:
        raise Inexact("the zero point of its weights is no multiple of 1/256")
    numbers = np.rint(rows * 2**halves).astype(np.int64)
    return numbers.reshape(array.shape), exact(scale[:, 0]) / 2**halves


def common_factor(row: NDArray[np.generic]) -> tuple[Ints, Fraction]:
    """The row as integers of at most MAX_LEVEL times one positive factor."""
    values, places = np.unique(np.asarray(row, np.float64), return_inverse=True)
    if len(values) > 2 * MAX_LEVEL + 1:
        raise Inexact(f"its weights are not quantised: an output has {len(values)} different ones")
    fractions = [Fraction(float(v)) for v in values]
    scale = max(f.denominator for f in fractions)
    numbers = [int(f * scale) for f in fractions]
    common = gcd(*numbers) or 1
    if max(abs(n) for n in numbers) > MAX_LEVEL * common:
        raise Inexact("its weights are not small integers times one factor an output")
    table = np.array([n // common for n in numbers], np.int64)
    return table[places.reshape(-1)], Fraction(common, scale)


def as_weights(numbers: Ints) -> tuple[Weights, Fraction]:
    """Weights of the Network and the factor with which they are ``numbers``; raises Inexact.

    -1 and +1 alone are binary; odd numbers are sums of {-1,+1} planes times 1, 2, 4...; any others
    are doubled, and one more plane, the sign, leaves odd numbers for the rest.
    """
    common = int(np.gcd.reduce(np.abs(numbers), axis=None)) or 1
    small = numbers // common
    if (np.abs(small) == 1).all():
        return BinaryWeights((small > 0).astype(np.uint8)), Fraction(common)
    odd = bool((small % 2 != 0).all())
    sign = np.where(small > 0, 1, -1)
    codes = small if odd else 2 * small - sign
    count = int(np.abs(codes).max()).bit_length()
    if count + (not odd) > MAX_PLANES:
        raise Inexact(f"its weights reach from {numbers.min()} to {numbers.max()}: too many bits")
    u = (codes + (1 << count) - 1) // 2
    bits = [] if odd else [(sign + 1) // 2]
    bits += [(u >> place) & 1 for place in range(count)]
    scales = (*([] if odd else [1]), *(1 << place for place in range(count)))
    planes = tuple(BinaryWeights(plane.astype(np.uint8)) for plane in bits)
    return PlanesWeights(planes, scales), Fraction(common, 1 if odd else 2)
