"""Training rows of weights to be like each other, so that adders of wired weights are shared."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from subbit.hw.unrolled.tree import spanning_tree
from subbit.sw.ir import Weights
from subbit.sw.ir.planes import branches_of
from subbit.sw.nn.encoders import Encoder
from subbit.sw.nn.quantised import PlanesEncoder

__all__ = ["SharingPenalty", "tree_differences"]


class SharingPenalty:
    """How much the rows of a model's weights differ along spanning trees, as a number to train on.

    For the weights ``(outputs, inputs)`` of each encoder, the tree says from which other row, or
    its negative, each row is computed where weights are wires
    (:func:`subbit.hw.unrolled.tree.spanning_tree`). The penalty is the share of weights that
    differ from those, summed over the tree, the mean of all encoders: 0 where all rows are alike,
    and about 0.35 for 64 random rows of 64 inputs. It is the total distance of MST-compression
    (ICCV 2023), with a gradient for both weights of each difference.

    The trees follow the weights as they are in each step, and nothing is kept between steps.
    """

    def __init__(self, model: nn.Module) -> None:
        self._weights: dict[nn.Module, Tensor] = {}
        for module in model.modules():
            # The planes of a PlanesEncoder are encoders, and rows, of their own.
            if isinstance(module, Encoder) and not isinstance(module, PlanesEncoder):
                module.register_forward_hook(self._keep)

    def _keep(self, module: nn.Module, _: Any, found: tuple[Tensor, Tensor]) -> None:
        """Remember the weights of the present step; an encoder may not be asked for them twice."""
        self._weights[module] = found[0]

    def __call__(self) -> Tensor:
        """The penalty for the weights that the model was evaluated with last."""
        shares = [differing(weights.flatten(1)) for weights in self._weights.values()]
        self._weights.clear()
        return torch.stack(shares).mean()


def differing(weights: Tensor) -> Tensor:
    """The share of weights, of rows ``(outputs, inputs)``, that differ from the row in the tree."""
    with torch.no_grad():
        signs = torch.sign(weights).to(torch.int64).numpy()
        top = weights.abs().max().clamp(min=1)
    edges = [edge for edge in spanning_tree(signs) if edge.parent >= 0]
    if not edges:
        return weights.new_zeros(())
    rows, parents = ([getattr(edge, end) for edge in edges] for end in ("row", "parent"))
    turned = weights.new_tensor([[edge.sign] for edge in edges])
    apart = (weights[rows] - turned * weights[parents]).abs()
    return apart.sum() / (2 * top * weights.numel())


def tree_differences(weights: Weights) -> tuple[int, int]:
    """Of the weights of a layer, in all bit planes, how many differ from those of the row that
    theirs is computed from, and how many there are. A row that is computed from no other one
    differs in all of them.
    """
    different = 0
    for _, plane in branches_of(weights):
        rows = np.sign(plane.dense().reshape(weights.shape[0], -1))
        for edge in spanning_tree(rows):
            before = edge.sign * rows[edge.parent] if edge.parent >= 0 else 0
            different += int(np.count_nonzero(rows[edge.row] != before))
    return different, len(branches_of(weights)) * weights.shape[0] * weights.row_length
