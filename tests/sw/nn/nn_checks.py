"""Comparing a module in eval mode with the Network that was exported from it."""

import numpy as np
import torch
from torch import nn

from subbit.sw.golden import evaluate
from subbit.sw.importers.torch.narrow import run_module, same_order
from subbit.sw.ir import Network
from subbit.sw.nn.layers import Activation

__all__ = ["assert_same"]


def activations(module: nn.Module, codes: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
    """The codes behind every activation of the module, ``[n][y][x][c]`` or ``[n][c]``, and its
    logits.
    """
    seen: list[list[torch.Tensor]] = []
    hooks = []
    for layer in module.modules():
        if isinstance(layer, Activation):
            found: list[torch.Tensor] = []
            seen.append(found)

            def keep(m: Activation, x: object, y: torch.Tensor, found: list = found) -> None:
                found.append(codes_of(m, y))

            hooks.append(layer.register_forward_hook(keep))
    module.eval()
    logits = run_module(module, codes)
    for hook in hooks:
        hook.remove()
    maps = [torch.cat(parts) for parts in seen]
    codes = [(m.permute(0, 2, 3, 1) if m.ndim == 4 else m).numpy() for m in maps]
    return codes, logits.flatten(1).double().numpy()


def codes_of(activation: Activation, y: torch.Tensor) -> torch.Tensor:
    """The codes of an activation's outputs, written anew: u of 2u - (2**M - 1), or y itself."""
    if activation.encoding == "unsigned":
        return y.long()
    return ((y + (1 << activation.bits) - 1) / 2).long()


def assert_same(module: nn.Module, network: Network, codes: np.ndarray) -> None:
    """Every activation, the order of every two logits and every class are the same."""
    maps, logits = activations(module, codes)
    names = [node.name for node in network.nodes]
    # Pooling before the activation in the module stands behind the threshold in the network.
    signs = [n for n in names if n.startswith("act")]
    tensors = evaluate(network, codes)
    for name, wanted in zip(signs, maps, strict=True):
        after = names[names.index(name) + 1]
        got = tensors[name].numpy()
        if got.shape[1:3] != wanted.shape[1:3] and after.startswith("pool"):
            got = tensors[after].numpy()
        assert np.array_equal(got.reshape(wanted.shape), wanted), name
    last = names[names.index("argmax") - 1]
    integers = tensors[last].numpy().reshape(len(codes), -1)
    assert same_order(logits, integers).all()
    assert np.array_equal(tensors["argmax"].numpy().reshape(-1), logits.argmax(1))
