"""Folding the real arithmetic behind a dot product into integers, by evaluating that very
arithmetic.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from subbit.sw.ir import Affine, TensorType, Threshold

__all__ = ["RealPart", "fold_affine", "fold_threshold", "is_common_scale", "same_order"]

RealPart = Callable[[Tensor], Tensor]
"""What a module does to integer dot products ``(channels,)`` up to the sign or the logits, per
channel.
"""

MAX_SCALE_BITS = 18
Reals = NDArray[np.float64]


def fold_threshold(real: RealPart, dots: TensorType) -> Threshold:
    """The thresholds with which ``sign(real(n))`` is the same for every integer n of the type
    ``dots``.

    ``real`` must be monotone in n, as positive factors and BatchNorm are, also after rounding.
    Bisection finds the first n at which its sign is that of the upper end; a channel that never
    changes gets a threshold at an end: ``low`` (always +1) or ``high + 1`` (always -1).
    """
    low = torch.full((dots.channels,), dots.low, dtype=torch.int64)
    high = torch.full((dots.channels,), dots.high, dtype=torch.int64)
    first, last = positive(real, low), positive(real, high)
    below, above = low.clone(), high.clone()
    while bool((above - below > 1).any()):
        middle = (below + above) // 2
        reached = positive(real, middle) == last
        above, below = torch.where(reached, middle, above), torch.where(reached, below, middle)
    constant = torch.where(last, low, high + 1)
    thresholds = torch.where(first == last, constant, above)
    rising = last | (first == last)
    return Threshold(thresholds[:, None].numpy(), rising.to(torch.uint8).numpy())


def positive(real: RealPart, dots: Tensor) -> Tensor:
    """Whether the activation is +1 for these dot products, ``(channels,)``."""
    return real(dots) >= 0


@dataclass(frozen=True)
class AffineFit:
    """An Affine layer, the width of its scales, and on how many images it keeps the order of the
    logits.
    """

    layer: Affine
    scale_bits: int
    kept: int
    images: int


def line(real: RealPart, dots: TensorType) -> tuple[Reals, Reals]:
    """Slope and offset of every channel of the real part, ``(channels,)`` each; ``real`` in
    float64.
    """
    reach = max(abs(dots.low), abs(dots.high), 1)
    zero = torch.zeros(dots.channels, dtype=torch.int64)
    offset, top = real(zero), real(zero + reach)
    return ((top - offset) / reach).numpy(), offset.numpy()


def is_common_scale(real: RealPart, dots: TensorType) -> bool:
    """Whether the real part is one positive factor and one offset for all channels, which no order
    depends on.
    """
    slope, offset = line(real, dots)
    return bool(slope[0] > 0 and (slope == slope[0]).all() and (offset == offset[0]).all())


def fold_affine(
    real: RealPart, dots: TensorType, logits: Reals | None, integers: NDArray[np.int64] | None
) -> AffineFit:
    """The Affine layer of the least scale width (2 to 18 bits) that keeps the order of the logits.

    ``logits`` ``(images, channels)`` are the module's, ``integers`` the dot products they come
    from; without them the width is the greatest. If no width keeps every order, the one that keeps
    most is taken.
    """
    slope, offset = line(real, dots)
    if logits is None or integers is None:
        return AffineFit(quantised(slope, offset, MAX_SCALE_BITS), MAX_SCALE_BITS, 0, 0)
    best: AffineFit | None = None
    for bits in range(2, MAX_SCALE_BITS + 1):
        layer = quantised(slope, offset, bits)
        kept = int(same_order(logits, integers * layer.scale + layer.offset).sum())
        if best is None or kept > best.kept:
            best = AffineFit(layer, bits, kept, len(logits))
        if kept == len(logits):
            break
    assert best is not None
    return best


def quantised(slope: Reals, offset: Reals, bits: int) -> Affine:
    """Slope and offset as multiples of the step with which the greatest slope fills ``bits`` bits,
    sign included.
    """
    top = (1 << (bits - 1)) - 1
    step = float(np.abs(slope).max()) / top or float(np.abs(offset).max()) / top or 1.0
    return Affine(np.rint(slope / step).astype(np.int64), np.rint(offset / step).astype(np.int64))


def same_order(real: Reals, integer: NDArray[np.int64]) -> NDArray[np.bool_]:
    """For every row, whether each two elements compare the same in both arrays, ties included."""
    one = np.sign(real[:, :, None] - real[:, None, :])
    other = np.sign(integer[:, :, None] - integer[:, None, :])
    same: NDArray[np.bool_] = (one == other).all(axis=(1, 2))
    return same
