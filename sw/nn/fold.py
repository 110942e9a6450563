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
from subbit.sw.nn.activations import Activation, SignActivation

__all__ = ["RealPart", "fold_affine", "fold_threshold", "is_common_scale", "same_order"]

RealPart = Callable[[Tensor], Tensor]
"""What a module does to integers ``(.., channels)`` up to an activation or the logits, per
channel.
"""

MAX_SCALE_BITS = 18
Reals = NDArray[np.float64]


def fold_threshold(
    real: RealPart, dots: TensorType, activation: Activation | None = None
) -> Threshold:
    """The thresholds that give the codes of ``activation(real(n))`` for every integer n of the type
    ``dots``; ``activation`` is a sign for None.

    ``real`` must be monotone in n, as positive factors and BatchNorm are, also after rounding.
    Bisection finds, for each of the ``2**M - 1`` steps of each channel, the first n at which as
    many steps are passed; one that is always passed gets the threshold ``low``, one that never is
    ``high + 1``. Steps of a channel whose codes fall are counted from the top code down.
    """
    chosen = SignActivation() if activation is None else activation
    top = (1 << chosen.bits) - 1
    rising = codes_of(chosen, real, torch.full((dots.channels,), dots.high)) >= codes_of(
        chosen, real, torch.full((dots.channels,), dots.low)
    )
    wanted = torch.arange(1, top + 1)[:, None]
    below = torch.full((top, dots.channels), dots.low - 1)
    above = torch.full((top, dots.channels), dots.high + 1)
    while bool((wide := above - below > 1).any()):
        middle = torch.where(wide, (below + above) // 2, dots.low)
        codes = codes_of(chosen, real, middle)
        reached = torch.where(rising, codes, top - codes) >= wanted
        above = torch.where(wide & reached, middle, above)
        below = torch.where(wide & ~reached, middle, below)
    return Threshold(above.T.numpy(), rising.to(torch.uint8).numpy(), chosen.encoding)


def codes_of(activation: Activation, real: RealPart, dots: Tensor) -> Tensor:
    """The activation's codes for these dot products, ``(.., channels)``."""
    return activation.codes(activation(real(dots)))


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
