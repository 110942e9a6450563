"""Weights as the arrays that the C runtime reads, compressed as the network has them.

Binary weights and tiles that hold whole rows become rows in the order in which patches are
gathered. A tile that ends within rows stays one string of bits, a codebook stays codewords and
indices.
"""

from collections.abc import Sequence
from math import gcd, prod

import numpy as np

from subbit.sw.ir.arrays import Bits
from subbit.sw.ir.planes import branches_of
from subbit.sw.ir.weights import BinaryWeights, CodebookWeights, TiledWeights, Weights
from subbit.sw.mcu.arrays import Constants, pack_bits

__all__ = ["ORDERS", "order_of", "weights_in_c"]

ORDERS = ("SUBBIT_BY_POSITION", "SUBBIT_BY_CHANNEL", "SUBBIT_BY_CHANNEL_IN_BYTES")
BY_POSITION, BY_CHANNEL, IN_BYTES = ORDERS


def order_of(weights: Weights) -> str:
    """The order of a patch in which all planes of the weights can be read.

    Rows can be in any; indices of a codebook want the bits of a channel side by side, in bytes; a
    tile that crosses rows has the network's own order, channel by channel.
    """
    planes = [plane for _, plane in branches_of(weights)]
    if any(isinstance(plane, CodebookWeights) for plane in planes):
        return IN_BYTES
    positions = prod(weights.shape[2:])
    if positions > 1 and any(is_crossing(plane) for plane in planes):
        return BY_CHANNEL
    return BY_POSITION


def is_crossing(weights: Weights) -> bool:
    """Whether a tile ends within a row."""
    return isinstance(weights, TiledWeights) and not weights.rows_shared


def weights_in_c(weights: Weights, name: str, constants: Constants) -> list[str]:
    """An initialiser of ``subbit_weights`` for each plane; its arrays go to ``constants``."""
    order = order_of(weights)
    return [
        plane_in_c(plane, scale, order, f"{name}_{k}", constants)
        for k, (scale, plane) in enumerate(branches_of(weights))
    ]


def plane_in_c(weights: Weights, scale: int, order: str, name: str, constants: Constants) -> str:
    """One of them."""
    if isinstance(weights, CodebookWeights):
        indices = weights.indices.T[:, :, None] >> np.arange(weights.tau) & 1
        bits = constants.add(f"{name}_indices", pack_bits(indices.astype(np.uint8).reshape(1, -1)))
        kernels = pack_bits(weights.codewords.reshape(len(weights.codewords), -1))
        words = constants.add(f"{name}_codewords", kernels)
        return initialiser("SUBBIT_CODEBOOK", scale, 0, weights.tau, bits, words, "NULL")
    if isinstance(weights, TiledWeights):
        scales = "NULL"
        if weights.scaled:
            scales = constants.add(f"{name}_scales", weights.scales, "int16_t")
        if is_crossing(weights) and order != IN_BYTES:
            bits = constants.add(f"{name}_tile", pack_bits(weights.tile[None]))
            distinct, size = distinct_rows(weights), weights.tile.size
            return initialiser("SUBBIT_TILE", scale, distinct, size, bits, "NULL", scales)
        if weights.rows_shared:
            count = weights.shape[0] // weights.repeats
            tile = weights.tile.reshape(count, *weights.shape[1:])
            bits = constants.add(f"{name}_rows", in_order(tile, order))
            return initialiser("SUBBIT_ROWS", scale, count, 0, bits, "NULL", scales)
        weights = BinaryWeights((weights.dense() > 0).astype(np.uint8))
    if not isinstance(weights, BinaryWeights):
        raise TypeError(f"no C for weights of encoding {weights.encoding}")
    bits = constants.add(f"{name}_rows", in_order(weights.bits, order))
    return initialiser("SUBBIT_ROWS", scale, len(weights.bits), 0, bits, "NULL", "NULL")


def initialiser(
    form: str, scale: int, distinct: int, size: int, bits: str, codewords: str, scales: str
) -> str:
    """The fields in the order of ``subbit_weights``."""
    return f"{{{form}, {scale}, {distinct}, {size}, {bits}, {codewords}, {scales}}}"


def distinct_rows(weights: TiledWeights) -> int:
    """After how many rows they begin at the same place of the tile, with the same scales."""
    if weights.scaled:
        return weights.shape[0]
    return weights.tile.size // gcd(weights.tile.size, weights.row_length)


def in_order(bits: Bits, order: str) -> Bits:
    """Rows ``(out, in)`` or ``(out, in, rows, columns)`` in the order of a patch, packed."""
    if order == IN_BYTES:
        return pack_bits(bits.reshape(*bits.shape[:2], -1)).reshape(len(bits), -1)
    if order == BY_POSITION:
        axes: Sequence[int] = (0, 2, 3, 1) if bits.ndim == 4 else (0, 1)
        bits = bits.transpose(axes)
    return pack_bits(bits.reshape(len(bits), -1))
