"""What ends a torch module: Softmax, and functions that pick the class."""

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from subbit.sw.importers.exact.op import Op
from subbit.sw.importers.exact.picking import Ended, pick, soften
from subbit.sw.importers.exact.value import Value

__all__ = ["ENDING_FUNCTIONS", "ENDING_METHODS", "ENDING_MODULES", "Both", "ending"]

Given = Value | Ended


@dataclass(frozen=True, eq=False)
class Both:
    """Values and places, as torch.max and torch.topk give them."""

    op: Op
    places: Ended


def one_of(both: Both, key: Any) -> Ended:
    """The places; raises NetworkError for the values, which a network does not give."""
    if key in (1, "indices"):
        return both.places
    raise both.op.refuse("its greatest number is read", "read its indices, the class")


def softmax(op: Op, given: Given, dim: int | None = None, *rest: Any, **named: Any) -> Ended:
    """softmax and log_softmax; without a side torch takes the second one of most tensors."""
    if isinstance(given, Ended):
        raise given.op.refuse("another node reads its result", "end the module with it")
    if named.pop("dtype", None) not in (None, torch.float32, torch.float64):
        raise op.refuse("it rounds to a narrow type", "leave dtype out")
    if dim is None:
        dim = 0 if given.index.ndim == 2 else 1
    return soften(op, given, op.inputs[0], dim)


def softmax_module(op: Op, module: nn.Softmax | nn.LogSoftmax, given: Given) -> Ended:
    """nn.Softmax and nn.LogSoftmax."""
    return softmax(op, given, module.dim)


def picked(least: bool) -> Callable[..., Ended]:
    """argmax, or argmin."""

    def rule(op: Op, given: Given, dim: int | None = None, keepdim: bool = False) -> Ended:
        if dim is None:
            raise op.refuse("it looks through the batch, too", "name the axis of the classes")
        return pick(op, given, op.inputs[0], dim, keep=keepdim, least=least)

    return rule


def ends(least: bool) -> Callable[..., Both]:
    """max, or min, along a side."""
    place = picked(least)

    def rule(op: Op, given: Given, dim: int | None = None, keepdim: bool = False) -> Both:
        return Both(op, place(op, given, dim, keepdim))

    return rule


def top_k(
    op: Op,
    given: Given,
    k: int,
    dim: int = -1,
    largest: bool = True,
    sorted: bool = True,  # torch's own name
) -> Both:
    """topk of one."""
    if k != 1:
        raise op.refuse("it picks another number of classes than one", "use k = 1")
    return Both(op, pick(op, given, op.inputs[0], dim, least=not largest))


Rule = Callable[..., Ended | Both]
ENDING_MODULES = (nn.Softmax, nn.LogSoftmax)
ENDING_METHODS: dict[str, Rule] = {
    **dict.fromkeys(("softmax", "log_softmax"), softmax),
    "argmax": picked(False),
    "argmin": picked(True),
    "max": ends(False),
    "min": ends(True),
    "topk": top_k,
}
ENDING_FUNCTIONS: dict[Any, Rule] = {
    **{getattr(torch, name): rule for name, rule in ENDING_METHODS.items()},
    **dict.fromkeys((functional.softmax, functional.log_softmax), softmax),
}


def ending(
    op: Op, target: Any, module: nn.Module | None, args: tuple[Any, ...], named: dict[str, Any]
) -> Ended | Both | None:
    """The result of a node that ends a module, or reads what does; None for any other.

    ``target``: the function, or the name of the method, where it is no ``module``. Raises
    NetworkError where a node reads what ends a module, and may not.
    """
    given = args[0] if args else None
    if isinstance(given, Both) and target in (operator.getitem, getattr):
        return one_of(given, args[1])
    if isinstance(given, Value | Ended):
        if isinstance(module, ENDING_MODULES):
            return softmax_module(op, module, given)
        rule = (ENDING_METHODS if isinstance(target, str) else ENDING_FUNCTIONS).get(target)
        if rule is not None and module is None:
            return rule(op, *args, **named)
    for read in (*args, *named.values()):
        if isinstance(read, Ended | Both):
            raise read.op.refuse("another node reads its result", "end the module with it")
    return None
