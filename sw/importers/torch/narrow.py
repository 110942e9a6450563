"""The least width of a last Affine layer that keeps the order of the logits on a test set."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from subbit.sw.golden import run_batches
from subbit.sw.importers.torch.tracing import evaluating
from subbit.sw.ir import Affine, Network

__all__ = ["MAX_SCALE_BITS", "narrowed", "run_module", "same_order"]

MAX_SCALE_BITS = 18
BATCH = 500
Codes = NDArray[np.uint8]
Reals = NDArray[np.float64]


@dataclass(frozen=True)
class AffineFit:
    """An Affine layer, the width of its scales, and on how many images it keeps the order of the
    logits.
    """

    layer: Affine
    scale_bits: int
    kept: int
    images: int


def narrowed(
    network: Network, module: nn.Module, codes: Codes | None
) -> tuple[Network, dict[str, Any]]:
    """The network with the narrowest Affine before its argmax that keeps most orders of the
    module's logits on codes ``[n][h][w][c]``, and what to note; as it is without such a layer or
    without codes.
    """
    at = len(network.nodes) - 2
    layer = network.nodes[at].layer if at >= 0 else None
    if not isinstance(layer, Affine) or network.nodes[at + 1].inputs != (network.nodes[at].name,):
        return network, {}
    if codes is None:
        bits = int(np.abs(layer.scale).max()).bit_length() + 1
        return network, {"affine": {"scale_bits": bits, "orders_kept": 0, "images": 0}}
    source = network.nodes[at].inputs[0]
    integers = np.concatenate(
        [
            tensors[source].reshape(len(tensors[source]), -1).numpy()
            for _, tensors in run_batches(network, codes)
        ]
    )
    with evaluating(module):
        logits = run_module(module, codes).flatten(1).double().numpy()
    fit = narrowest(layer, logits, integers)
    nodes = list(network.nodes)
    nodes[at] = replace(nodes[at], layer=fit.layer)
    notes = {"scale_bits": fit.scale_bits, "orders_kept": fit.kept, "images": fit.images}
    made = Network(network.name, network.input_type, tuple(nodes), network.metadata)
    return made, {"affine": notes}


def narrowest(layer: Affine, logits: Reals, integers: NDArray[np.int64]) -> AffineFit:
    """The Affine layer of the least scale width (2 to 18 bits) that keeps the order of the logits.

    ``logits`` ``(images, channels)`` are the module's, ``integers`` what ``layer`` reads for them.
    If no width keeps every order, the one that keeps most is taken.
    """
    slope, offset = layer.scale.astype(np.float64), layer.offset.astype(np.float64)
    best: AffineFit | None = None
    for bits in range(2, MAX_SCALE_BITS + 1):
        tried = quantised(slope, offset, bits)
        kept = int(same_order(logits, integers * tried.scale + tried.offset).sum())
        if best is None or kept > best.kept:
            best = AffineFit(tried, bits, kept, len(logits))
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


def run_module(module: nn.Module, codes: Codes) -> Tensor:
    """The output of ``module`` for codes ``[n][h][w][c]``, in batches, without gradients."""
    batches = torch.split(torch.from_numpy(np.ascontiguousarray(codes)), BATCH)
    with torch.no_grad():
        return torch.cat([module(batch.permute(0, 3, 1, 2).float()) for batch in batches])
