"""Layers of the papers' checkpoints within torch modules, and alone as networks."""

import copy
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from subbit.sw.errors import NetworkError, quote
from subbit.sw.importers.papers.papers import (
    DEFAULT_MIN_SIZE,
    PaperLayer,
    codebook_layers,
    left_out,
    tiled_layers,
)
from subbit.sw.importers.papers.state import State, read_state
from subbit.sw.ir import (
    CodebookWeights,
    Conv2d,
    Encoding,
    Layer,
    Linear,
    Network,
    Padding,
    TensorType,
    TiledWeights,
    Weights,
    save_network,
)
from subbit.sw.nn.encoders import Encoder
from subbit.sw.nn.layers import CodedConv2d, CodedLinear

__all__ = ["import_checkpoint", "layer_network", "paper_report", "with_layers"]

KERNELS = (1, 3, 5)
RULES = ("codebook", "tiled")


class FixedEncoder(Encoder):
    """Weights that are not trained: those of a Network, and the real factor of every output."""

    def __init__(self, weights: Weights, factors: Any) -> None:
        super().__init__()
        self.shape, self.fixed = weights.shape, weights
        self.register_buffer("dense", torch.from_numpy(weights.dense()).float())
        self.register_buffer("factors", torch.from_numpy(np.asarray(factors)).float())

    def forward(self) -> tuple[Tensor, Tensor]:
        """See Encoder."""
        return self.get_buffer("dense"), self.get_buffer("factors")

    def weights(self) -> Weights:
        """See Encoder."""
        return self.fixed


def with_layers(module: nn.Module, layers: list[PaperLayer], state: State) -> nn.Module:
    """A copy of ``module`` with a checkpoint's layers, for from_torch: the whole network.

    ``module`` has the checkpoint's names; where a layer of it is in ``layers``, it may be any
    Conv2d or Linear of the same shape, and becomes ours, with integer codes as input. All other
    parameters are loaded from ``state``. Raises NetworkError where names or shapes do not fit.
    """
    made = copy.deepcopy(module)
    for layer in layers:
        parent, _, name = layer.name.rpartition(".")
        try:
            old = made.get_submodule(layer.name)
        except AttributeError:
            raise NetworkError(
                f"the module has no layer {layer.name!r}; name it as there"
            ) from None
        made.get_submodule(parent).add_module(name, replacement(layer, old))
    used = {key for layer in layers for key in layer.used}
    rest = {key: value for key, value in state.items() if key not in used}
    try:
        missing, unknown = made.load_state_dict(rest, strict=False)
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:160]
        raise NetworkError(f"the checkpoint does not fit the module ({reason})") from None
    missing = [key for key in missing if ".encoder." not in key]
    if missing or unknown:
        raise NetworkError(
            f"module and checkpoint differ: without counterpart are {[*missing, *unknown][:4]}"
        )
    return made.eval()


def replacement(layer: PaperLayer, old: nn.Module) -> nn.Module:
    """Our layer with the checkpoint's weights and the geometry of the module's."""
    encoder = FixedEncoder(layer.weights, layer.factors)
    if isinstance(old, nn.Linear):
        return CodedLinear(encoder)
    if not isinstance(old, nn.Conv2d) or tuple(old.weight.shape) != layer.weights.shape:
        raise NetworkError(
            f"layer {layer.name!r} is {type(old).__name__} in the module; make it a Conv2d or "
            f"Linear with weights {layer.weights.shape}"
        )
    pads = {(0, 0): Padding.NONE, (old.kernel_size[0] // 2,) * 2: Padding.ZERO}
    if old.padding not in pads or old.stride[0] != old.stride[1] or old.bias is not None:
        raise NetworkError(f"layer {layer.name!r} needs a square stride and padding, and no bias")
    padding = Padding.NONE if old.padding == (0, 0) else Padding.ZERO
    return CodedConv2d(encoder, stride=old.stride[0], padding=padding)


def layer_network(layer: PaperLayer, side: int) -> Network:
    """One layer as a network of its own, for one-bit codes of ``side`` x ``side``: its integers.

    Convolutions pad with zeros by half of their kernel, stride 1. Raises NetworkError where the
    layer's kernel is not one that networks have.
    """
    shape = layer.weights.shape
    name = re.sub(r"[^a-z0-9_.-]+", "-", layer.name.lower()).strip("_.-") or "layer"
    if len(shape) == 2:
        source, made = TensorType.codes(1, 1, shape[1], 1, Encoding.BIPOLAR), "fc1"
        one: Layer = Linear(layer.weights)
    else:
        if shape[2] not in KERNELS:
            raise NetworkError(
                f"layer {layer.name!r} has kernels {shape[2:]}; networks have 1, 3, 5"
            )
        source, made = TensorType.codes(side, side, shape[1], 1, Encoding.BIPOLAR), "conv1"
        one = Conv2d(layer.weights, 1, Padding.ZERO if shape[2] > 1 else Padding.NONE)
    notes = {"import": {"layer": layer.name, "factors": layer.factors.tolist()}}
    return Network.chain(name[:63], source, {made: one}, notes)


def import_checkpoint(
    path: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    rule: str,
    *,
    repeats: int = 4,
    min_size: int = DEFAULT_MIN_SIZE,
    alpha: str = "weight",
    side: int = 14,
) -> dict[str, Any]:
    """Write every layer of a checkpoint of the papers' code as a network into ``folder``; returns
    paper_report's, with each layer's file.

    ``rule``: ``codebook``, or ``tiled``, which alone takes ``repeats``, ``min_size`` and ``alpha``;
    see codebook_layers and tiled_layers. ``side``: of the maps, see layer_network. Raises
    NetworkError.
    """
    if rule not in RULES:
        raise NetworkError(f"there is no rule {quote(rule)}; it is {' or '.join(RULES)}")
    state = read_state(Path(path))
    if rule == "tiled":
        layers = tiled_layers(state, repeats, min_size, alpha)
    else:
        layers = codebook_layers(state)
    report = paper_report(state, layers, alpha)
    for layer, row in zip(layers, report["layers"], strict=True):
        network = layer_network(layer, side)
        row["file"] = str(Path(folder) / f"{network.name}.safetensors")
        save_network(network, row["file"])
    return report


def reference(state: State, layer: PaperLayer, alpha: str) -> Tensor:
    """A layer's weights by the rules of the papers' code, computed as that code does."""
    latent = state[f"{layer.name}.weight"].double()
    if isinstance(layer.weights, CodebookWeights):
        words = 2.0 * torch.from_numpy(layer.weights.codewords.copy()).double() - 1
        nearest = torch.cdist(latent.reshape(-1, 9), words.reshape(-1, 9)).argmin(1)
        return words[nearest].reshape(latent.shape) * latent.abs().mean((1, 2, 3), keepdim=True)
    scores = state[f"{layer.name}.scores"].double()
    repeats = layer.weights.repeats if isinstance(layer.weights, TiledWeights) else 1
    tile = torch.where(scores.reshape(repeats, -1).sum(0) > 0, 1.0, -1.0)
    source = latent if alpha == "weight" else scores
    alphas = source.abs().reshape(repeats, -1).mean(1, keepdim=True)
    return (alphas * tile).reshape(scores.shape)


def apart(state: State, layer: PaperLayer, alpha: str) -> int:
    """How many weights differ from the reference by more than the layer's scale error."""
    wanted = reference(state, layer, alpha).numpy()
    factors = layer.factors.reshape(-1, *[1] * (wanted.ndim - 1))
    allowed = np.abs(wanted) * (layer.error * 1.001 + 1e-9)
    return int((np.abs(layer.weights.dense() * factors - wanted) > allowed).sum())


def paper_report(state: State, layers: list[PaperLayer], alpha: str = "weight") -> dict[str, Any]:
    """What a checkpoint became: layers, bits, the tensors that no layer was made of, and how many
    weights are apart from those that the papers' rules give.
    """
    weights = sum(layer.weights.count for layer in layers)
    bits = sum(layer.weights.stored_bits for layer in layers)
    return {
        "layers": [
            {
                "name": layer.name,
                "shape": list(layer.weights.shape),
                "encoding": layer.weights.encoding,
                "weights": layer.weights.count,
                "weight_bits": layer.weights.stored_bits,
                "bits_per_weight": round(layer.bits_per_weight, 4),
                "scale_error": round(layer.error, 6),
                "apart": apart(state, layer, alpha),
                "notes": layer.notes,
            }
            for layer in layers
        ],
        "weights": weights,
        "weight_bits": bits,
        "bits_per_weight": round(bits / weights, 4),
        "left_out": left_out(state, layers),
    }
