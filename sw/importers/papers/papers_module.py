"""Layers of the papers' checkpoints within torch modules, and alone as networks."""

import copy

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from subbit.sw.errors import NetworkError
from subbit.sw.importers.papers.compared import layer_network, paper_report
from subbit.sw.importers.papers.layer import PaperLayer
from subbit.sw.importers.papers.state import State
from subbit.sw.ir import Padding, Weights
from subbit.sw.nn.encoders import Encoder
from subbit.sw.nn.layers import CodedConv2d, CodedLinear

__all__ = ["layer_network", "paper_report", "with_layers"]

Reals = NDArray[np.float64]


class FixedEncoder(Encoder):
    """Weights that are not trained: those of a Network, and the real factor of every output.

    What the module computes with are the weights of the authors' code over these factors, so that
    comparing it with a Network compares the two.
    """

    def __init__(self, layer: PaperLayer) -> None:
        super().__init__()
        self.shape, self.fixed = layer.weights.shape, layer.weights
        self.register_buffer("dense", torch.from_numpy(integers_of(layer)).float())
        self.register_buffer("factors", torch.from_numpy(np.asarray(layer.factors)).float())

    def forward(self) -> tuple[Tensor, Tensor]:
        """See Encoder."""
        return self.get_buffer("dense"), self.get_buffer("factors")

    def weights(self) -> Weights:
        """See Encoder."""
        return self.fixed


def integers_of(layer: PaperLayer) -> Reals:
    """The authors' weights over the layer's factors, to the nearest integers; its own where the
    authors' arithmetic may fall either way, or a factor is 0.
    """
    dense = layer.weights.dense()
    factors = layer.factors.reshape(-1, *[1] * (dense.ndim - 1))
    known = layer.authors.sure & (factors != 0)
    return np.where(known, np.rint(layer.authors.weights / np.where(factors, factors, 1)), dense)


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
    encoder = FixedEncoder(layer)
    if not isinstance(old, nn.Linear | nn.Conv2d) or old.weight.shape != layer.weights.shape:
        raise NetworkError(
            f"layer {layer.name!r} is {type(old).__name__} in the module; make it a Conv2d or "
            f"Linear with weights {layer.weights.shape}"
        )
    if isinstance(old, nn.Linear):
        return CodedLinear(encoder)
    if old.padding_mode != "zeros" or isinstance(old.padding, str) or old.bias is not None:
        raise NetworkError(f"layer {layer.name!r} needs zeros as padding, in numbers, and no bias")
    (above, left), (down, across), (gap, other) = old.padding, old.stride, old.dilation
    padded = above or left
    return CodedConv2d(
        encoder,
        stride=(down, across),
        padding=Padding.ZERO if padded else Padding.NONE,
        pads=(above, left, above, left) if padded else None,
        dilation=(gap, other),
        groups=old.groups,
    )
