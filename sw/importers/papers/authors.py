"""The weights that the authors' code multiplies with, computed as it does: the other side of every
comparison.

Nothing here is shared with the import: weights are reals, tiles are copied out, codewords are found
by their distances, and bits are walked one index at a time. ``sure`` is false where the authors'
float arithmetic may fall on either side.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

__all__ = ["AuthorsWeights", "codebook_weights", "layer_outputs", "packed_weights", "tiled_weights"]

Reals = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class AuthorsWeights:
    """Real weights of a layer's shape, and where they are sure."""

    weights: Reals
    sure: NDArray[np.bool_]

    @property
    def open(self) -> int:
        """How many weights are not sure."""
        return int((~self.sure).sum())


def codebook_weights(latent: Tensor, words: Tensor) -> AuthorsWeights:
    """Every kernel's nearest codeword of ``words`` (2**tau, 9), +-1, times the mean magnitude of
    the output: the first of the least squared distances.
    """
    kernels = latent.double().numpy().reshape(-1, 9)
    best = np.full(len(kernels), np.inf)
    second, chosen = best.copy(), np.zeros(len(kernels), np.int64)
    book = np.array(list(dict.fromkeys(map(tuple, words.tolist()))))  # each codeword once
    for number, word in enumerate(book):
        distance = np.square(kernels - word).sum(1)
        nearer = distance < best
        second = np.where(nearer, best, np.minimum(second, distance))
        best, chosen = np.where(nearer, distance, best), np.where(nearer, number, chosen)
    means = np.abs(latent.double().numpy()).mean((1, 2, 3), keepdims=True)
    sure = second - best > 32 * rounding(latent) * (best + 1)
    signs = book[chosen].reshape(latent.shape)
    return AuthorsWeights(signs * means, np.repeat(sure, 9).reshape(latent.shape))


def rounding(x: Tensor) -> float:
    """The relative rounding error of one operation on the tensor's numbers."""
    kind = x.dtype if x.dtype.is_floating_point else torch.float32
    return float(torch.finfo(kind).eps)


def tiled_weights(scores: Tensor, magnitudes: Tensor, p: int, single: bool) -> AuthorsWeights:
    """Sign of the sum over p repeats, copied p times, times the mean magnitude of each repeat, or
    of the layer if ``single``.
    """
    flat = scores.double().numpy().reshape(-1)
    size = flat.size // p
    total, spread = np.zeros(size), np.zeros(size)
    for start in range(0, flat.size, size):
        total += flat[start : start + size]
        spread += np.abs(flat[start : start + size])
    # The sum of two numbers has the right sign in any float format.
    sure = (np.abs(total) > p * rounding(scores) * spread) | (p <= 2) | (spread == 0)
    reals = np.abs(magnitudes.double().numpy()).reshape(-1)
    found = np.empty(flat.size)
    for start in range(0, flat.size, size):
        part = reals if single else reals[start : start + size]
        found[start : start + size] = np.where(total > 0, 1.0, -1.0) * (part.sum() / part.size)
    shape = tuple(scores.shape)
    return AuthorsWeights(found.reshape(shape), np.tile(sure, p).reshape(shape))


def packed_weights(
    tile: Tensor, alphas: Tensor, shape: tuple[int, ...], size: int, order: str
) -> AuthorsWeights:
    """Weight f by the walk of the authors' kernels: bit ``f mod size`` of the tile as +-1, times
    alpha ``f div size``, or the only one.

    ``order``: that of bits in a byte: ``big-high``, ``big-low`` (see packed_tile), ``little``, or
    ``signs`` where the tile holds one number a weight.
    """
    place = np.arange(int(np.prod(shape))) % size
    stored = tile.reshape(-1).double().numpy().astype(np.int64)
    if order == "signs":
        signs = np.where(stored[place] > 0, 1.0, -1.0)
    else:
        inside = place % 8
        filled = np.minimum(size - (place - inside), 8) if order == "big-low" else 8
        shift = inside if order == "little" else filled - 1 - inside
        signs = 2.0 * ((stored[place // 8] >> shift) & 1) - 1
    reals = alphas.reshape(-1).double().numpy()
    number = np.arange(len(place)) // size if len(reals) > 1 else np.zeros(len(place), np.int64)
    found = (signs * reals[number]).reshape(shape)
    return AuthorsWeights(found, np.ones(shape, bool))


def layer_outputs(weights: Reals, codes: NDArray[np.integer]) -> Reals:
    """What the authors' layer makes of one-bit codes ``[n][h][w][c]`` as -1 and +1: a product, or a
    convolution with zero padding by half of the kernel; ``[n][h][w][out]``.
    """
    x = torch.from_numpy(2.0 * codes - 1).permute(0, 3, 1, 2)
    kernel = torch.from_numpy(weights)
    if kernel.ndim == 2:
        made = functional.linear(x.flatten(1), kernel)[:, :, None, None]
    else:
        made = functional.conv2d(x, kernel, padding=(kernel.shape[2] // 2, kernel.shape[3] // 2))
    return np.asarray(made.permute(0, 2, 3, 1).numpy(), np.float64)
