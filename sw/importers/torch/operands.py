"""What the rules of torch's modules and functions share: constants, and functions of channels."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from subbit.sw.importers.exact.op import Op
from subbit.sw.importers.exact.value import Const, Fractions, Value

__all__ = ["as_const", "in_place", "runner", "sides_of", "with_attributes"]

Floats = NDArray[np.float32]


def as_const(value: Any) -> Const:
    """A number or tensor as a constant."""
    if isinstance(value, Tensor):
        return Const(value.detach().cpu().numpy())
    return Const(np.asarray(value, np.float32))


def sides_of(value: Value, number: Any) -> list[int]:
    """One number for each side of a map, height and width or the length alone, or those given."""
    if isinstance(number, tuple | list):
        return [int(n) for n in number]
    return [int(number)] * max(1, value.index.ndim - 1)


def with_attributes(op: Op, kind: str, **attributes: Any) -> Op:
    """The operation as one of ONNX's, whose rule is applied."""
    return replace(op, kind=kind, attributes=attributes, label=op.label or op.kind)


def runner(value: Value, function: Callable[[Tensor], Tensor]) -> Callable[[Floats], Floats]:
    """The function of a tensor as one of ``(batch, channels)``, channels as the Network has them.

    The function gets them as the module does: maps of one pixel, or vectors in the module's order.
    """
    sides = (1, 1) if value.index.ndim == 3 else ()
    order = value.index.reshape(-1) if value.kind.shape[:2] == (1, 1) else None

    def run(x: Floats) -> Floats:
        given = x if order is None else x[:, order]
        with torch.no_grad():
            y = function(torch.from_numpy(given.copy()).reshape(*given.shape, *sides))
        made = y.reshape(given.shape).float().numpy()
        if order is None:
            return made
        back = np.empty_like(made)
        back[:, order] = made
        return back

    return run


def in_place(value: Value, numbers: Fractions) -> Fractions:
    """Numbers for each channel of the module's order in that of the Network."""
    if value.kind.shape[:2] != (1, 1):
        return numbers
    placed = np.empty(value.kind.channels, object)
    placed[value.index.reshape(-1)] = numbers
    return placed
