"""Layers of the papers' checkpoints as networks, compared with the authors' arithmetic.

A layer's network computes integers with the golden model; the authors' side is the real weights of
``authors`` in torch's own convolution or product, on the same random codes.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subbit.sw.errors import NetworkError
from subbit.sw.importers.papers.authors import layer_outputs
from subbit.sw.importers.papers.layer import PaperLayer, unlike_layer
from subbit.sw.importers.papers.papers import left_out
from subbit.sw.importers.papers.state import State
from subbit.sw.ir import Conv2d, Encoding, Layer, Linear, Network, Padding, TensorType

__all__ = ["check_agreement", "layer_network", "layer_row", "paper_report"]

MAPS = 4
MOST_SIDE = 7
SEED = 1
RELATIVE = 1e-6
Reals = NDArray[np.float64]
COMPARED = (
    "weights and outputs of every layer with those of the authors' arithmetic in floating point "
    f"({MAPS} random maps of -1 and +1), with the settings above"
)


def layer_network(layer: PaperLayer, side: int) -> Network:
    """One layer as a network of its own, for one-bit codes of ``side`` x ``side``: its integers.

    Convolutions pad with zeros by half of their kernel, stride 1. Raises NetworkError where the
    layer's kernel is not one that networks have.
    """
    shape = layer.weights.shape
    unlike = unlike_layer(shape)
    if unlike is not None:
        raise NetworkError(f"layer {layer.name!r} has {unlike}")
    name = re.sub(r"[^a-z0-9_.-]+", "-", layer.name.lower()).strip("_.-") or "layer"
    if len(shape) == 2:
        source, made = TensorType.codes(1, 1, shape[1], 1, Encoding.BIPOLAR), "fc1"
        one: Layer = Linear(layer.weights)
    else:
        source, made = TensorType.codes(side, side, shape[1], 1, Encoding.BIPOLAR), "conv1"
        one = Conv2d(layer.weights, 1, Padding.ZERO if max(shape[2:]) > 1 else Padding.NONE)
    notes = {"import": {"layer": layer.name, "factors": layer.factors.tolist()}}
    return Network.chain(name[:63], source, {made: one}, notes)


def paper_report(
    state: State,
    layers: list[PaperLayer],
    assumed: Sequence[str] = (),
    shapes: Mapping[str, tuple[int, ...]] | None = None,
) -> dict[str, Any]:
    """What a checkpoint became: layers, bits, the tensors that no layer was made of; what was
    ``assumed``, and how many weights and outputs of a layer are apart from the authors'.

    ``shapes``: those of packed layers.
    """
    weights = sum(layer.weights.count for layer in layers)
    bits = sum(layer.weights.stored_bits for layer in layers)
    return {
        "layers": [layer_row(layer) for layer in layers],
        "weights": weights,
        "weight_bits": bits,
        "bits_per_weight": round(bits / weights, 4) if weights else 0.0,
        "assumed": list(assumed),
        "compared": COMPARED,
        "left_out": left_out(state, layers, shapes),
    }


def layer_row(layer: PaperLayer) -> dict[str, Any]:
    """A layer's row of the report."""
    outputs, apart = outputs_apart(layer)
    return {
        "name": layer.name,
        "shape": list(layer.weights.shape),
        "encoding": layer.weights.encoding,
        "repeats": layer.repeats,
        "weights": layer.weights.count,
        "weight_bits": layer.weights.stored_bits,
        "bits_per_weight": round(layer.bits_per_weight, 4),
        "scale_error": round(layer.error, 6),
        "apart": weights_apart(layer),
        "outputs": outputs,
        "outputs_apart": apart,
        "notes": layer.notes,
    }


def weights_apart(layer: PaperLayer) -> int:
    """How many weights differ from the authors' by more than the layer's scale error."""
    theirs = layer.authors.weights
    allowed = np.abs(theirs) * (layer.error * 1.001 + RELATIVE)
    return int(((np.abs(layer.reals - theirs) > allowed) & layer.authors.sure).sum())


def outputs_apart(layer: PaperLayer) -> tuple[int, int]:
    """How many outputs were compared, and how many differ by more than the scale error allows."""
    from subbit.sw.golden import evaluate

    network = layer_network(layer, MOST_SIDE)
    rng = np.random.default_rng(SEED)
    codes = rng.integers(0, 2, (MAPS, *network.input_type.shape))
    made = evaluate(network, codes)[network.nodes[-1].name].numpy()
    factors = layer.factors.reshape(-1)
    ours = made.reshape(*made.shape[:-1], -1, len(factors)) * factors
    theirs = np.where(layer.authors.sure, layer.authors.weights, layer.reals)
    wanted = layer_outputs(theirs, codes).reshape(ours.shape)
    reach = np.abs(theirs).reshape(len(factors), -1).sum(1)
    allowed = reach * (layer.error * 1.001 + RELATIVE / 10)
    return wanted.size, int((np.abs(ours - wanted) > allowed).sum())


def check_agreement(report: dict[str, Any]) -> None:
    """Raise NetworkError where a layer of the report differs from the authors' arithmetic."""
    for row in report["layers"]:
        if row["apart"] or row["outputs_apart"]:
            raise NetworkError(
                f"layer {row['name']!r}: {row['apart']} of {row['weights']} weights and "
                f"{row['outputs_apart']} of {row['outputs']} outputs differ from the authors' "
                "arithmetic; nothing was written"
            )
