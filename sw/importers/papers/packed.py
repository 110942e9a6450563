"""Inference checkpoints of Tiled Bit Networks: ``X.tile`` and ``X.alphas``, without shapes.

The authors' code stores a tile as signs, one number a weight, or packed: uint8, eight weights a
byte. Its packer puts a byte's first weight highest, and the weights of a last byte that is not full
into its low bits; its GPU code unpacks the lowest bit first. Alphas are ``X.alphas.0``, ``.1``, one
for every repeat, or one for the layer.
"""

from collections.abc import Mapping
from dataclasses import replace
from math import prod

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from subbit.sw.errors import NetworkError
from subbit.sw.importers.papers.authors import packed_weights, tiled_weights
from subbit.sw.importers.papers.layer import (
    ALPHA_BITS,
    SCORES,
    PaperLayer,
    of_tile,
    take,
    unlike_layer,
)
from subbit.sw.importers.papers.settings import listed
from subbit.sw.importers.papers.state import State

__all__ = [
    "ORDERS",
    "Shapes",
    "apart_from_trained",
    "packed_layers",
    "packed_names",
    "packed_tile",
    "trained_shapes",
]

TILE = ".tile"
ORDERS = ("big", "big-high", "big-low", "little")
Shapes = Mapping[str, tuple[int, ...]]


def packed_names(state: State) -> list[str]:
    """The layers of which a checkpoint holds the tile."""
    return [key.removesuffix(TILE) for key in state if key.endswith(TILE)]


def packed_layers(
    state: State, shapes: Shapes, order: str = "big", single: bool = False
) -> list[PaperLayer]:
    """The layers of an inference checkpoint, in its order, but for those of which a Network has
    none, which left_out names.

    ``shapes``: of the weights of every layer, which the file does not hold. ``order``, ``single``:
    see packed_tile. Raises NetworkError where a shape is missing, or does not fit the tile.
    """
    names = packed_names(state)
    unlike = [name for name in names if name not in shapes]
    if unlike:
        raise NetworkError(
            f"the shape of {listed(unlike)} is missing, and a packed checkpoint holds none; give "
            "it (--shape NAME=OUTxIN), or the training checkpoint (--trained)"
        )
    unlike = [name for name in shapes if name not in names]
    if unlike:
        raise NetworkError(f"no tile is named {listed(unlike)}; there is {listed(names)}")
    return [
        packed_layer(name, state, tuple(shapes[name]), order, single)
        for name in names
        if unlike_layer(tuple(shapes[name])) is None
    ]


def packed_layer(
    name: str, state: State, shape: tuple[int, ...], order: str, single: bool
) -> PaperLayer:
    """The layer of ``name``'s tile and alphas."""
    tile, (keys, alphas) = take(state, f"{name}{TILE}"), alphas_of(name, state)
    made = layer_of(name, tile, alphas, shape, order, single)
    return replace(made, used=(f"{name}{TILE}", *keys))


def alphas_of(name: str, state: State) -> tuple[list[str], Tensor]:
    """The names of the tensors of a layer's alphas, and its alphas in their order."""
    whole = f"{name}.alphas"
    if whole in state:
        return [whole], state[whole].reshape(-1).double()
    keys = [key for key in state if key.startswith(f"{whole}.")]
    wanted = [f"{whole}.{i}" for i in range(len(keys))]
    if not keys or set(keys) != set(wanted) or any(state[key].numel() != 1 for key in keys):
        raise NetworkError(f"layer {name!r} has no alphas {whole}.0, .1 and so on, of one number")
    return wanted, torch.stack([state[key].reshape(()) for key in wanted]).double()


def packed_tile(
    name: str,
    packed: NDArray[np.uint8],
    alphas: list[float],
    shape: tuple[int, ...],
    order: str = "big",
    alpha_bits: int = ALPHA_BITS,
    single: bool = False,
) -> PaperLayer:
    """A layer of a packed tile: uint8, eight weights a byte, bit 1 for +1, and its alphas.

    ``order``: whether the first weight of a byte is its highest bit (``big``, as the authors pack)
    or the lowest (``little``, as their GPU code unpacks). A last byte that is not full holds its
    weights in the high bits (``big-high``) or, by the authors' packer, the low ones (``big-low``);
    ``big`` takes what the unused bits, which are 0, decide. p is the number of alphas, or with
    ``single``, where one serves all repeats, what shape and tile leave. Raises NetworkError where
    p or a bit is not decided.
    """
    tile = torch.from_numpy(np.asarray(packed, np.uint8).reshape(-1).copy())
    reals = torch.tensor(alphas, dtype=torch.float64)
    return layer_of(name, tile, reals, tuple(shape), order, single, alpha_bits)


def layer_of(
    name: str,
    tile: Tensor,
    alphas: Tensor,
    shape: tuple[int, ...],
    order: str,
    single: bool,
    alpha_bits: int = ALPHA_BITS,
) -> PaperLayer:
    """The layer of a tile, packed or of signs."""
    if order not in ORDERS:
        raise NetworkError(f"the order of bits is {', '.join(ORDERS)}, not {order!r}")
    if min(shape, default=0) < 1:
        raise NetworkError(f"layer {name!r}: {shape} is no shape of weights")
    numbers, count = tile.reshape(-1).numpy(), prod(shape)
    if alphas.numel() == 0 or bool((alphas < 0).any()):
        raise NetworkError(f"layer {name!r} needs alphas of 0 or more, means of magnitudes")
    packed = tile.dtype == torch.uint8
    if single and alphas.numel() != 1:
        raise NetworkError(f"layer {name!r} has {alphas.numel()} alphas, not a single one")
    size = tile_size(name, numbers.size, packed, 0 if single else alphas.numel(), shape)
    if packed:
        bits, order = unpacked(name, numbers, size, order)
    else:
        if not np.isin(numbers, (-1, 1)).all():
            raise NetworkError(f"layer {name!r}: a tile that is not uint8 must hold -1 and +1")
        bits, order = (numbers > 0).astype(np.uint8), "signs"
    repeats, reals = count // size, alphas.double().numpy()
    reals = np.repeat(reals, repeats) if reals.size == 1 else reals
    weights, factors, error = of_tile(name, shape, bits, reals, alpha_bits)
    authors = packed_weights(tile, alphas, shape, size, order)
    notes = [] if order == "signs" else [f"bits of a byte: {order}"]
    return PaperLayer(name, weights, factors, (name,), authors, error, notes, repeats)


def tile_size(name: str, stored: int, packed: bool, repeats: int, shape: tuple[int, ...]) -> int:
    """q, how many weights a tile of ``stored`` numbers has: as many as ``repeats`` leave, or if
    that is 0, the only number that divides the weights. Raises NetworkError where there is none.
    """
    count = prod(shape)
    sizes = range(8 * stored - 7, 8 * stored + 1) if packed else range(stored, stored + 1)
    left = [size for size in sizes if size > 0 and count % size == 0]
    if repeats:
        left = [size for size in left if count // size == repeats]
    unit = f"{8 * stored} bits" if packed else f"{stored} signs"
    if not left:
        many = f"{repeats} repeats" if repeats else "one alpha"
        raise NetworkError(f"layer {name!r}: {unit} and {many} are no tile of {shape}")
    if len(left) > 1:
        raise NetworkError(
            f"layer {name!r}: {unit} may be a tile of {' or '.join(map(str, left))} weights of "
            f"{shape}; import the training checkpoint"
        )
    return left[0]


def unpacked(
    name: str, octets: NDArray[np.uint8], size: int, order: str
) -> tuple[NDArray[np.uint8], str]:
    """The tile's bits, and the order in which they stand; raises NetworkError where the last byte
    leaves it open, or has a bit that no weight has.
    """
    over = 8 * octets.size - size
    last = int(octets[-1])
    tries = {
        "big-high": last & ((1 << over) - 1) == 0,
        "big-low": last >> (8 - over) == 0,
        "little": last >> (8 - over) == 0,
    }
    names = ["big-high", "big-low"] if order == "big" else [order]
    found = [row for row in names if tries[row]]
    if not found:
        raise NetworkError(
            f"layer {name!r}: the last byte of its tile, {last}, has bits beyond the {size} "
            f"weights in the order {order!r}; name the order of bits"
        )
    bits = {row: bits_of(octets, size, row) for row in found}
    if any(not np.array_equal(row, bits[found[0]]) for row in bits.values()):
        raise NetworkError(
            f"layer {name!r}: its {size} weights may stand in the high or in the low bits of the "
            f"last byte, {last}; name the order big-high or big-low (the authors' packer)"
        )
    return bits[found[-1]], found[-1] if over or order == "little" else "big-high"


def bits_of(octets: NDArray[np.uint8], size: int, order: str) -> NDArray[np.uint8]:
    """The first ``size`` bits."""
    if order == "little":
        return np.unpackbits(octets, bitorder="little")[:size]
    bits = np.unpackbits(octets)
    start = bits.size - 8
    if order == "big-low":
        bits = np.delete(bits, slice(start, start + bits.size - size))
    return bits[:size]


def trained_shapes(trained: State, names: list[str]) -> dict[str, tuple[int, ...]]:
    """The shapes of the packed layers ``names`` by the training checkpoint."""
    return {name: tuple(take(trained, f"{name}{SCORES}").shape) for name in names}


def apart_from_trained(layer: PaperLayer, trained: State, alpha: str, single: bool) -> int:
    """How many weights differ from those that the authors' code computes of the training
    checkpoint with the packed one's p.
    """
    theirs = tiled_weights(
        take(trained, f"{layer.name}{SCORES}"),
        take(trained, f"{layer.name}.{alpha}"),
        layer.repeats,
        single,
    )
    near = np.isclose(layer.authors.weights, theirs.weights, rtol=1e-4, atol=0)
    return int((~near & theirs.sure).sum())
