"""Comparing a trained module with its Network on whole data sets, activation by activation."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from subbit.sw.errors import NetworkError
from subbit.sw.golden import run_batches
from subbit.sw.importers.torch.narrow import run_module, same_order
from subbit.sw.ir import Argmax, MaxPool2d, Network, Threshold
from subbit.sw.nn.activations import Activation

__all__ = ["ExportAgreement", "compare"]


class ExportAgreement:
    """What a comparison found: compared ``images`` and ``activations``, and the differences.

    ``activations_apart``: codes of activations that differ; ``orders_apart``: images on which two
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
    """The codes ``[n][y][x][c]`` or ``[n][c]`` of the module's activations, in the order of their
    evaluation.
    """
    seen: list[Tensor] = []

    def record(activation: Activation, x: tuple[Tensor], y: Tensor) -> None:
        codes = activation.codes(y)
        seen.append(codes.permute(0, 2, 3, 1) if codes.ndim == 4 else codes)

    parts = [part for part in module.modules() if isinstance(part, Activation)]
    hooks = [part.register_forward_hook(record) for part in parts]
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()


def compare(module: nn.Module, network: Network, codes: NDArray[np.uint8]) -> ExportAgreement:
    """Compare every activation and every order of logits of ``module``, in eval mode, with the
    golden model.

    ``codes``: ``[n][height][width][channels]``.
    """
    found = ExportAgreement()
    module.eval()
    for part, tensors in run_batches(network, codes):
        with recorded(module) as activations:
            logits = run_module(module, codes[part]).flatten(1).double().numpy()
        found.images += len(logits)
        names = activation_names(network, activations)
        for either, wanted in zip(names, activations, strict=True):
            found.activations += wanted.numel()
            apart = [(tensors[name].reshape(wanted.shape) != wanted).sum() for name in either]
            found.activations_apart += int(min(apart))
        integers = tensors[network.nodes[-1].inputs[0]].reshape(len(logits), -1).numpy()
        found.orders_apart += int((~same_order(logits, integers)).sum())
        found.classes_apart += int((logits.argmax(1) != integers.argmax(1)).sum())
    return found


def activation_names(network: Network, activations: list[Tensor]) -> list[list[str]]:
    """For each activation of the module, the tensor of the network that it should equal.

    Where the module pools before the activation, that is the pooling behind the threshold; where
    pooling leaves the size as it is, nothing tells which, and there are both.
    """
    assert isinstance(network.nodes[-1].layer, Argmax)
    thresholds = [node.name for node in network.nodes if isinstance(node.layer, Threshold)]
    names = []
    for name, codes in zip(thresholds, activations, strict=True):
        reader = network.readers(name)[0]
        pooled = isinstance(reader.layer, MaxPool2d)
        both = [name, reader.name] if pooled else [name]
        names.append([n for n in both if codes[0].numel() == network.types[n].elements] or both)
    return names
