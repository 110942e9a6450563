"""A layer of a paper's checkpoint, and what layers of all papers need."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from subbit.sw.errors import NetworkError
from subbit.sw.importers.papers.authors import AuthorsWeights
from subbit.sw.importers.papers.state import State
from subbit.sw.ir import BinaryWeights, TiledWeights, Weights
from subbit.sw.ir.layers.convolution import MAX_KERNEL

__all__ = ["ALPHA_BITS", "SCORES", "PaperLayer", "of_tile", "take", "unlike_layer"]

SCORES = ".scores"
ALPHA_BITS = 8
Reals = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PaperLayer:
    """One layer of a checkpoint: output o's weights are ``factors[o] * weights.dense()[o]``.

    ``used``: the tensors that it was made of. ``authors``: the weights that the authors' code
    computes. ``error``: the greatest relative error of a repeat's factor, 0 unless tiles cross
    outputs. ``notes``: what the checkpoint leaves open. ``repeats``: p.
    """

    name: str
    weights: Weights
    factors: Reals
    used: tuple[str, ...]
    authors: AuthorsWeights
    error: float = 0.0
    notes: list[str] = field(default_factory=list)
    repeats: int = 1

    @property
    def bits_per_weight(self) -> float:
        """Bits stored for each weight."""
        return self.weights.stored_bits / self.weights.count

    @property
    def reals(self) -> Reals:
        """The real weights that the layer stands for."""
        dense = self.weights.dense()
        return dense * self.factors.reshape(-1, *[1] * (dense.ndim - 1))


def unlike_layer(shape: tuple[int, ...]) -> str | None:
    """Why a Network has no layer of such weights, or None if it has one."""
    if len(shape) not in (2, 4):
        return (
            f"weights of {len(shape)} dimensions; networks have linear layers and 2-D convolutions"
        )
    if len(shape) == 4 and max(shape[2:]) > MAX_KERNEL:
        return f"kernels of {shape[2]}x{shape[3]}; networks have up to {MAX_KERNEL}x{MAX_KERNEL}"
    return None


def of_tile(
    name: str, shape: tuple[int, ...], tile: NDArray[np.uint8], alphas: Reals, alpha_bits: int
) -> tuple[Weights, Reals, float]:
    """Weights, the factor of every output, and the greatest relative error of a factor."""
    repeats, outputs = len(alphas), shape[0]
    if repeats == 1:
        return BinaryWeights(tile.reshape(shape)), np.full(outputs, alphas[0]), 0.0
    ones = np.ones(repeats, np.int64)
    if outputs % repeats == 0:
        return TiledWeights(shape, tile, ones), np.repeat(alphas, outputs // repeats), 0.0
    if (alphas == alphas[0]).all():
        return TiledWeights(shape, tile, ones), np.full(outputs, alphas[0]), 0.0
    step = alphas.max() / ((1 << alpha_bits) - 1)
    scales = np.rint(alphas / step).astype(np.int64)
    if not scales.all():
        raise NetworkError(
            f"layer {name!r}: a tile crosses outputs, and its least alpha {alphas.min():g} is "
            f"nothing beside the greatest {alphas.max():g} in {alpha_bits} bits"
        )
    error = float((np.abs(scales * step - alphas) / alphas).max())
    return TiledWeights(shape, tile, scales), np.full(outputs, step), error


def take(state: State, name: str) -> Tensor:
    """The tensor of that name; raises NetworkError if there is none."""
    if name not in state:
        raise NetworkError(f"the tensor {name!r} is missing; name a whole checkpoint")
    return state[name]
