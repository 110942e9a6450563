"""Comparing a trained module with its Network on whole data sets, activation by activation."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from subbit.sw.errors import NetworkError
from subbit.sw.golden import run_batches
from subbit.sw.ir import Argmax, MaxPool2d, Network, Threshold
from subbit.sw.nn.export import run_module
from subbit.sw.nn.fold import same_order
from subbit.sw.nn.layers import SignActivation

__all__ = ["Agreement", "compare"]


class Agreement:
    """What a comparison found: compared ``images`` and ``activations``, and the differences.

    ``activations_apart``: binary activations that differ; ``orders_apart``: images on which two
    logits compare differently; ``classes_apart``: images whose greatest logit is another.
    """

    def __init__(self) -> None:
        self.images = 0
        self.activations = 0
        self.activations_apart = 0
        self.orders_apart = 0
        self.classes_apart = 0

    def require_exact(self) -> None:
        """Raise NetworkError if an activation or a class differs."""
        if self.activations_apart or self.classes_apart:
            raise NetworkError(
                f"the exported network differs from the module in {self.activations_apart} of "
                f"{self.activations} activations and {self.classes_apart} of {self.images} "
                "classes; please report this with the module"
            )


@contextmanager
def recorded(module: nn.Module) -> Iterator[list[Tensor]]:
    """The outputs of the module's signs, in the order of their evaluation."""
    seen: list[Tensor] = []
    signs = [part for part in module.modules() if isinstance(part, SignActivation)]
    hooks = [sign.register_forward_hook(lambda m, x, y: seen.append(y)) for sign in signs]
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()


def compare(module: nn.Module, network: Network, codes: NDArray[np.uint8]) -> Agreement:
    """Compare every sign and every order of logits of ``module``, in eval mode, with the golden
    model.

    ``codes``: ``[n][height][width][channels]``.
    """
    found = Agreement()
    module.eval()
    for part, tensors in run_batches(network, codes):
        with recorded(module) as signs:
            logits = run_module(module, codes[part]).flatten(1).double().numpy()
        found.images += len(logits)
        for name, sign in zip(activation_names(network, signs), signs, strict=True):
            bits = (sign.permute(0, 2, 3, 1) if sign.ndim == 4 else sign) > 0
            found.activations += bits.numel()
            found.activations_apart += int((tensors[name].reshape(bits.shape) != bits).sum())
        integers = tensors[network.nodes[-1].inputs[0]].reshape(len(logits), -1).numpy()
        found.orders_apart += int((~same_order(logits, integers)).sum())
        found.classes_apart += int((logits.argmax(1) != integers.argmax(1)).sum())
    return found


def activation_names(network: Network, signs: list[Tensor]) -> list[str]:
    """For each sign of the module, the tensor of the network that it should equal.

    Where the module pools before the sign, that is the pooling behind the threshold.
    """
    assert isinstance(network.nodes[-1].layer, Argmax)
    thresholds = [node.name for node in network.nodes if isinstance(node.layer, Threshold)]
    names = []
    for name, sign in zip(thresholds, signs, strict=True):
        (reader,) = network.readers(name)
        pooled = isinstance(reader.layer, MaxPool2d)
        whole = sign[0].numel() == network.types[name].elements
        names.append(reader.name if pooled and not whole else name)
    return names
