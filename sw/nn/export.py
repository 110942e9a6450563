"""From a trained module to a Network: every real factor becomes integer thresholds, exactly."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from subbit.sw.errors import NetworkError
from subbit.sw.ir import Network, TensorType
from subbit.sw.nn.converter import ModuleConverter

__all__ = ["export"]


def export(
    module: nn.Module,
    input_type: TensorType,
    name: str,
    metadata: dict[str, Any] | None = None,
    *,
    codes: NDArray[np.uint8] | None = None,
) -> Network:
    """The Network that computes what ``module`` does in eval mode, ending in an argmax.

    ``module``: an nn.Sequential of the layers of subbit.sw.nn.layers and joins and torch's
    BatchNorm; max pooling stands after the activation or between it and its dot product, not
    between two BatchNorms. ``codes`` ``[n][h][w][c]`` are the test set, on which the order of the
    logits decides the width of a last Affine. Every activation is the same for every input:
    thresholds come from evaluating the module's own arithmetic. What the export had to choose
    stands in the network's metadata under ``export``.

    Raises NetworkError for a module that it cannot convert, naming it, and for NaN or infinite
    parameters.
    """
    check_finite(module)
    was_training = module.training
    module.eval()
    try:
        with torch.no_grad():
            builder = ModuleConverter(input_type, module, codes)
            builder.add(module)
            builder.finish()
    finally:
        module.train(was_training)
    notes = {**(metadata or {}), "export": builder.notes}
    return Network(name, input_type, tuple(builder.nodes), notes)


def check_finite(module: nn.Module) -> None:
    """Raise NetworkError if a parameter or buffer is NaN or infinite."""
    for name, value in module.state_dict().items():
        if not torch.isfinite(value).all():
            raise NetworkError(
                f"parameter {name!r} holds NaN or infinite numbers; "
                "train again with a lower learning rate"
            )
