"""What a checkpoint must hold for a run to go on from it: all is checked before any is used."""

from dataclasses import dataclass, field
from math import isfinite
from typing import Any

import torch
from torch import Tensor

from subbit.sw.errors import DataError, quote

__all__ = ["History", "check_finite", "check_history", "check_model", "check_optimizer"]

MOMENTS = {"step", "exp_avg", "exp_avg_sq"}


@dataclass
class History:
    """Per finished epoch: mean training loss, and accuracy on the test set from 0 to 1.

    ``validation``: the loss on the images that are held out, where some are, and ``best`` the
    parameters after the epoch in which it was least.
    """

    loss: list[float]
    accuracy: list[float]
    validation: list[float] = field(default_factory=list)
    best: dict[str, Tensor] | None = field(default=None, repr=False)

    @property
    def waited(self) -> int:
        """Epochs since the one with the least validation loss."""
        if not self.validation:
            return 0
        return len(self.validation) - 1 - self.validation.index(min(self.validation))

    @property
    def epochs(self) -> int:
        """Finished epochs."""
        return len(self.loss)


def check_history(loss: Any, accuracy: Any, validation: Any, epochs: int) -> History:
    """The history in a checkpoint; raises DataError unless it is one of up to ``epochs`` epochs."""
    named = (("loss", loss), ("accuracy", accuracy), ("validation loss", validation))
    for name, row in named:
        if not isinstance(row, list) or not all(type(x) is float and isfinite(x) for x in row):
            raise DataError(f"its {name} is no list of numbers; start anew")
    if not 1 <= len(loss) == len(accuracy) <= epochs or not all(0 <= x <= 1 for x in accuracy):
        raise DataError("its loss and accuracy are not those of finished epochs; start anew")
    if len(validation) not in (0, len(loss)):
        raise DataError("its validation loss is not that of finished epochs; start anew")
    return History(list(loss), list(accuracy), list(validation))


def check_model(found: Any, own: dict[str, Tensor]) -> None:
    """Raise DataError unless the state ``found`` has the tensors of a module's ``own``."""
    if not isinstance(found, dict) or found.keys() != own.keys():
        raise DataError("its parameters are not those of this network; start anew")
    for name, wanted in own.items():
        check_like(name, found[name], wanted)


def check_like(name: str, value: Any, wanted: Tensor) -> None:
    """Raise DataError unless the value is a finite tensor of the shape and type of ``wanted``."""
    if not isinstance(value, Tensor) or (value.shape, value.dtype) != (wanted.shape, wanted.dtype):
        raise DataError(f"{quote(name)} is not {wanted.dtype} of shape {tuple(wanted.shape)}")
    check_finite(name, value)


def check_finite(name: str, value: Any) -> None:
    """Raise DataError unless the value is a plain tensor of finite real numbers."""
    plain = isinstance(value, Tensor) and value.layout is torch.strided and not value.is_quantized
    if not plain or value.is_complex():
        raise DataError(f"{quote(name)} is no tensor of real numbers; start anew")
    if not bool(torch.isfinite(value).all()):
        raise DataError(f"{quote(name)} holds NaN or infinite numbers; start anew")


def check_optimizer(found: Any, optimizer: torch.optim.Optimizer) -> None:
    """Raise DataError unless ``found`` is a state of Adam's for the parameters of ``optimizer``."""
    if not isinstance(found, dict) or found.keys() != {"state", "param_groups"}:
        raise DataError("its optimizer's state is not one of Adam's; start anew")
    check_groups(found["param_groups"], optimizer.state_dict()["param_groups"])
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    if not isinstance(found["state"], dict):
        raise DataError("its optimizer's state is not one of Adam's; start anew")
    for place, row in found["state"].items():
        if type(place) is not int or not 0 <= place < len(parameters):
            raise DataError(f"its optimizer has no parameter {quote(place)}; start anew")
        check_moments(f"moments of parameter {place}", row, parameters[place])


def check_groups(found: Any, own: list[dict[str, Any]]) -> None:
    """Raise DataError unless the groups are this run's; rates change from step to step."""
    same = isinstance(found, list) and len(found) == len(own)
    for group, wanted in zip(found if same else [], own, strict=False):
        same = same and isinstance(group, dict) and group.keys() == wanted.keys()
        same = same and all(alike(group[key], wanted[key]) for key in wanted if key != "lr")
        same = same and type(group["lr"]) is float and isfinite(group["lr"]) and group["lr"] >= 0
    if not same:
        raise DataError("its optimizer's settings are not those of this run; start anew")


def alike(value: Any, wanted: Any) -> bool:
    """Whether two settings have one type and are equal."""
    return type(value) is type(wanted) and bool(value == wanted)


def check_moments(name: str, row: Any, parameter: Tensor) -> None:
    """Raise DataError unless ``row`` holds Adam's count of steps and two moments of a parameter."""
    if not isinstance(row, dict) or row.keys() != MOMENTS:
        raise DataError(f"the {name} are not Adam's; start anew")
    check_like(name, row["step"], torch.zeros(()))
    check_like(name, row["exp_avg"], parameter)
    check_like(name, row["exp_avg_sq"], parameter)
    if float(row["step"]) < 1 or bool((row["exp_avg_sq"] < 0).any()):
        raise DataError(f"the {name} are none that a step leaves; start anew")
