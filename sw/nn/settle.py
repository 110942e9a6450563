"""Statistics of batch normalisation, measured anew with the weights as they are."""

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

__all__ = ["settle"]

BATCHES = 50


@torch.no_grad()
def settle(model: nn.Module, codes: Tensor, batch: int) -> None:
    """Put into every BatchNorm of ``model`` the mean of the statistics of up to 50 batches of
    ``codes`` ``[n][c][h][w]``, evenly taken; the rest of the model stays as it is.

    Running averages lag behind binary weights, whose signs change at once: where the numbers that
    come in are far from 0, as log-mel features are, the mean of a dot product moves by more than
    its spread, and a network that is right in training is wrong in use.
    """
    norms = [module for module in model.modules() if isinstance(module, _BatchNorm)]
    usual = [norm.momentum for norm in norms]
    count = min(max(len(codes) // batch, 1), BATCHES)
    model.eval()
    for norm in norms:
        norm.train()
    for number in range(count):
        for norm in norms:
            norm.momentum = 1 / (number + 1)
        model(codes[number::count][:batch])
    for norm, momentum in zip(norms, usual, strict=True):
        norm.momentum = momentum
    model.eval()
