"""Finding sub-bit structure: a binary network as one of codebooks and tiles."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subbit.sw.compress.cluster import cluster_kernels, fit_tile
from subbit.sw.errors import NetworkError
from subbit.sw.ir import (
    INPUT,
    BinaryWeights,
    Conv2d,
    Layer,
    Linear,
    Network,
    Node,
    Threshold,
    Weights,
)
from subbit.sw.ir.kinds import layer_kind

__all__ = ["Shrunk", "refit", "shrink"]

DEFAULT_MIN_SIZE = 64_000
Ints = NDArray[np.int64]
Told = Callable[[int, int], object]


@dataclass(frozen=True)
class Shrunk:
    """What became of a layer: ``changed`` of its ``weights`` have the other sign."""

    layer: str
    encoding: str
    weights: int
    changed: int
    bits_before: int
    bits_after: int


def shrink(
    network: Network,
    tau: int | None = None,
    repeats: int | None = None,
    min_size: int = DEFAULT_MIN_SIZE,
) -> tuple[Network, list[Shrunk]]:
    """The network with fewer weight bits, and what became of each layer that changed.

    ``tau``: binary 3x3 convolutions get codebooks of ``2**tau`` codewords, where that saves bits
    and they are not the first layer. ``repeats``: of the other binary layers those with at least
    ``min_size`` weights become tiles. Thresholds stay; see refit. Raises NetworkError where neither
    is given, or nothing can change.
    """
    if tau is None and repeats is None:
        raise NetworkError(
            "nothing to do: give tau for codebooks, or a number of repeats for tiles"
        )
    nodes, rows = [], []
    for node in network.nodes:
        made = node
        old = binary_weights(node.layer)
        new = None if old is None else smaller(old, node.inputs == (INPUT,), tau, repeats, min_size)
        if old is not None and new is not None:
            assert isinstance(node.layer, Conv2d | Linear)
            made = Node(node.name, replace(node.layer, weights=new), node.inputs)
            changed = int((old.dense() != new.dense()).sum())
            bits = old.stored_bits, new.stored_bits
            rows.append(Shrunk(node.name, new.encoding, old.count, changed, *bits))
        nodes.append(made)
    if not rows:
        raise NetworkError(
            f"network {network.name!r} has no layer to compress: binary 3x3 convolutions behind "
            f"the first layer for tau, layers of {min_size} binary weights and more for tiles"
        )
    notes = {key: value for key, value in network.metadata.items() if key != "accuracy"}
    notes["compressed"] = {"from": network.digest, "tau": tau, "repeats": repeats}
    return Network(network.name, network.input_type, tuple(nodes), notes), rows


def binary_weights(layer: Layer) -> BinaryWeights | None:
    """The layer's weights if they are plain binary."""
    weights = layer.weights if isinstance(layer, Conv2d | Linear) else None
    return weights if isinstance(weights, BinaryWeights) else None


def smaller(
    weights: BinaryWeights, first: bool, tau: int | None, repeats: int | None, min_size: int
) -> Weights | None:
    """The weights in the encoding asked for, None where they stay."""
    made: Weights | None = None
    if tau is not None and weights.shape[2:] == (3, 3) and not first:
        made = cluster_kernels(weights, tau)
    elif repeats is not None and weights.count >= min_size and not weights.count % repeats:
        made = fit_tile(weights, repeats)
    return made if made is not None and made.stored_bits < weights.stored_bits else None


def refit(before: Network, after: Network, codes: Ints, told: Told | None = None) -> Network:
    """``after`` with thresholds that give as many as possible of the codes that ``before`` gives.

    One layer after the other, on input ``codes`` ``[n][y][x][c]``, some hundred frames of the
    training set: all tensors that are still to be read are held in memory. Both have the same
    layers in the same order. Raises NetworkError where they do not.
    """
    if [(n.name, n.inputs) for n in before.nodes] != [(n.name, n.inputs) for n in after.nodes]:
        raise NetworkError("the networks have other layers; refit one that shrink made")
    teacher: dict[str, Any] = {INPUT: as_tensor(codes)}
    student = dict(teacher)
    nodes: list[Node] = []
    for number, (old, new) in enumerate(zip(before.nodes, after.nodes, strict=True)):
        run(before, old, teacher)
        layer = new.layer
        if isinstance(layer, Threshold):
            (source,) = new.inputs
            layer = fitted(layer, student[source].numpy(), teacher[old.name].numpy())
        nodes.append(Node(new.name, layer, new.inputs))
        run(after, nodes[-1], student)
        for name in finished(after, number, student):
            del teacher[name], student[name]
        if told is not None:
            told(number + 1, len(before.nodes))
    return Network(after.name, after.input_type, tuple(nodes), after.metadata)


def as_tensor(codes: Ints) -> Any:
    """The codes for the golden model."""
    import torch

    return torch.from_numpy(codes.astype(np.int64))


def run(network: Network, node: Node, known: dict[str, Any]) -> None:
    """Add the node's output to the tensors ``known``, by the golden model."""
    rule = layer_kind(node.layer.kind).load("golden")
    types = tuple(network.types[name] for name in node.inputs)
    known[node.name] = rule(node.layer, types, *(known[name] for name in node.inputs))


def finished(network: Network, number: int, known: dict[str, Any]) -> list[str]:
    """The tensors that no node behind the one of that number reads."""
    later = {name for node in network.nodes[number + 1 :] for name in node.inputs}
    return [name for name in known if name not in later]


def fitted(layer: Threshold, numbers: Ints, wanted: Ints) -> Threshold:
    """The thresholds with which ``numbers`` give the codes ``wanted`` most often."""
    channels = len(layer.thresholds)
    numbers, wanted = numbers.reshape(-1, channels), wanted.reshape(-1, channels)
    made = layer.thresholds.copy()
    for channel in range(channels):
        level = wanted[:, channel]
        level = level if layer.rising[channel] else layer.levels - level
        ordered = np.argsort(numbers[:, channel], kind="stable")
        x, level = numbers[ordered, channel], level[ordered]
        for place in range(layer.levels):
            made[channel, place] = best_limit(x, level > place, int(made[channel, place]))
    return Threshold(np.sort(made, axis=1), layer.rising, layer.encoding)


def best_limit(x: Ints, wanted: NDArray[np.bool_], present: int) -> int:
    """The limit for which ``x >= limit`` is ``wanted`` most often; ``x`` ascends.

    The present one where it is as good.
    """
    below = np.concatenate([[0], np.cumsum(wanted)])
    errors = below + (len(x) - np.arange(len(x) + 1)) - (below[-1] - below)
    # Between equal numbers there is no limit.
    errors[1:-1][x[1:] == x[:-1]] = len(x) + 1
    best = int(errors.argmin())
    if errors[np.searchsorted(x, present)] <= errors[best]:
        return present
    if best in (0, len(x)):
        return int(x[0]) if best == 0 else int(x[-1]) + 1
    return int(x[best - 1] + x[best] + 1) // 2
