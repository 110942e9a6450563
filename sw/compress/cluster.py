"""Few kernels that stand for many, and one tile that stands for several: the nearest in Hamming
distance.
"""

import numpy as np
from numpy.typing import NDArray

from subbit.sw.errors import NetworkError
from subbit.sw.ir import BinaryWeights, CodebookWeights, TiledWeights
from subbit.sw.ir.weights import KERNEL_BITS, kernels_of

__all__ = ["cluster_kernels", "fit_tile"]

Ints = NDArray[np.int64]
MAX_PASSES = 50
KERNELS = 1 << KERNEL_BITS
PLACES = np.arange(KERNEL_BITS)
# Between each two of the 512 kernels, in how many of the nine cells they differ.
DISTANCES = np.bitwise_count(np.arange(KERNELS)[:, None] ^ np.arange(KERNELS)).astype(np.int64)


def cluster_kernels(weights: BinaryWeights, tau: int) -> CodebookWeights:
    """3x3 kernels as the nearest of ``2**tau`` codewords, chosen so that few bits change.

    Greedily the codeword that saves most, then exchanges of one codeword for a better one until
    none is. Raises NetworkError for other kernels or a tau that is not 1 to 8.
    """
    if weights.shape[2:] != (3, 3) or not 1 <= tau <= 8:
        raise NetworkError(
            f"codebooks hold 3x3 kernels with tau 1 to 8; not {weights.shape}, {tau}"
        )
    numbers = (weights.bits.reshape(-1, KERNEL_BITS).astype(np.int64) << PLACES).sum(axis=1)
    cost = DISTANCES * np.bincount(numbers, minlength=KERNELS)
    chosen = exchanged(cost, greedy(cost, 1 << tau))
    nearest = DISTANCES[:, chosen].argmin(axis=1)
    return CodebookWeights(kernels_of(chosen), nearest[numbers].reshape(weights.shape[:2]))


def greedy(cost: Ints, count: int) -> Ints:
    """``count`` codewords, each the one that lowers the cost most; ``cost``: (word, kernel)."""
    chosen: list[int] = []
    least = np.full(KERNELS, np.iinfo(np.int64).max // KERNELS)
    for _ in range(count):
        totals = np.minimum(cost, least).sum(axis=1)
        totals[chosen] = np.iinfo(np.int64).max
        chosen.append(int(totals.argmin()))
        least = np.minimum(least, cost[chosen[-1]])
    return np.array(sorted(chosen))


def exchanged(cost: Ints, chosen: Ints) -> Ints:
    """The codewords after exchanges of one of them, as long as one lowers the cost."""
    for _ in range(MAX_PASSES):
        before = chosen.copy()
        for place in range(len(chosen)):
            others = np.delete(chosen, place)
            rest = cost[others].min(axis=0) if len(others) else np.full(KERNELS, 1 << 40)
            totals = np.minimum(cost, rest).sum(axis=1)
            totals[others] = np.iinfo(np.int64).max
            best = int(totals.argmin())
            if totals[best] < totals[chosen[place]]:
                chosen[place] = best
        if (chosen == before).all():
            break
    return np.sort(chosen)


def fit_tile(weights: BinaryWeights, repeats: int) -> TiledWeights:
    """The weights as one tile repeated: the bit that most of the repeats have, 0 where they tie.

    Raises NetworkError where the repeats do not divide the weights.
    """
    if repeats < 1 or weights.count % repeats:
        raise NetworkError(
            f"{repeats} repeats do not divide the {weights.count} weights of {weights.shape}"
        )
    sums = weights.bits.reshape(repeats, -1).sum(axis=0, dtype=np.int64)
    tile = (2 * sums > repeats).astype(np.uint8)
    return TiledWeights(weights.shape, tile, np.ones(repeats, np.int64))
