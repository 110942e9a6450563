"""Checkpoints of a training run: written whole or not at all, read without executing anything."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from subbit.sw.atomic import write_atomic
from subbit.sw.errors import QUOTED, DataError, quote
from subbit.sw.loading import loading
from subbit.sw.nn.resumed import History, check_finite, check_history, check_model, check_optimizer
from subbit.sw.nn.state_file import pack_state, read_state_file

__all__ = ["History", "load_checkpoint", "save_checkpoint", "start_from", "start_from_checkpoint"]

VERSION = 3
KEYS = {"version", "run", "model", "optimizer", "loss", "accuracy", "validation", "best"}
DAMAGED = "it is no checkpoint that can be read ({reason}); start anew"


def save_checkpoint(
    path: Path, run: dict[str, Any], model: torch.nn.Module, optimizer: Any, history: History
) -> None:
    """Write the state after an epoch; ``run`` names the run it belongs to. Raises DataError."""
    state = {
        "version": VERSION,
        "run": run,
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "loss": history.loss,
        "accuracy": history.accuracy,
        "validation": history.validation,
        "best": history.best,
    }
    try:
        write_atomic(path, pack_state(state))
    except OSError as error:
        raise DataError(
            f"cannot write the checkpoint {path}: {error.strerror}; "
            "free some space or name another place"
        ) from None


def load_checkpoint(
    path: Path, run: dict[str, Any], model: torch.nn.Module, optimizer: torch.optim.Optimizer
) -> History:
    """Put the state in ``path`` into ``model`` and ``optimizer``.

    Raises DataError if there is none, if anything in it is not what a run leaves, or if it belongs
    to another run than ``run``. Model and optimizer change only if all of it is sound.
    """
    if not path.is_file():
        raise DataError(f"there is no checkpoint {path} to resume from; start without --resume")
    with loading(path, DataError, DAMAGED):
        state = read_state(path)
        if state["run"] != run:
            raise DataError(
                f"it belongs to a run with other settings ({quote(state['run'])}); "
                "start without --resume"
            )
        rows = state["loss"], state["accuracy"], state["validation"]
        history = check_history(*rows, run["epochs"])
        check_model(state["model"], model.state_dict())
        if state["best"] is not None:
            check_model(state["best"], model.state_dict())
        history.best = state["best"]
        state["optimizer"] = restored(state["optimizer"], optimizer)
        check_optimizer(state["optimizer"], optimizer)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        return history


def start_from_checkpoint(path: Path, model: torch.nn.Module) -> str:
    """Start ``model`` from the parameters in ``path``, see start_from; returns which run left them.

    Raises DataError if there is no checkpoint, or one of a module of other sizes.
    """
    if not path.is_file():
        raise DataError(f"there is no checkpoint {path} to start from; name another file")
    with loading(path, DataError, DAMAGED):
        state = read_state(path)
        run = state["run"]
        text = f"{run['name']}, epochs {run['epochs']}, seed {run['seed']}"
        start_from(model, state["model"])
        return text[:QUOTED]


@torch.no_grad()
def start_from(model: torch.nn.Module, state: dict[str, Tensor]) -> list[str]:
    """Progressive initialisation: copy into ``model`` what a module of another precision learned.

    ``state``: the state dict of a module with the same layers. Weights of K bits, plain ones and
    those of a codebook start from the same latent weights, whatever K was. Returns the names in
    ``model`` that ``state`` lacks, such as the patterns of a codebook, which keep their values.
    Raises DataError where sizes differ or nothing fits.
    """
    own = model.state_dict()
    shared = [name for name in own if name in state]
    for name in shared:
        if not isinstance(state[name], Tensor):
            raise DataError(f"cannot start from a module in which {quote(name)} is no tensor")
        if own[name].shape != state[name].shape:
            raise DataError(
                f"cannot start from a module in which {name!r} has the shape "
                f"{tuple(state[name].shape)}, not {tuple(own[name].shape)}"
            )
        check_finite(name, state[name])
    if not any("encoder." in name for name in shared):
        raise DataError("cannot start from a module that has no weights in common with this one")
    for name in shared:
        own[name].copy_(state[name])
    return [name for name in own if name not in state]


def restored(found: Any, optimizer: torch.optim.Optimizer) -> Any:
    """What JSON made of an optimizer's state, with its integer keys and its tuples again."""
    if not isinstance(found, dict) or found.keys() != {"state", "param_groups"}:
        return found
    rows, groups = found["state"], found["param_groups"]
    if isinstance(rows, dict):
        rows = {int(k) if k.isascii() and k.isdecimal() else k: row for k, row in rows.items()}
    if isinstance(groups, list):
        own = optimizer.state_dict()["param_groups"]
        groups = [
            {k: tuple(v) if is_tuple(wanted, k, v) else v for k, v in group.items()}
            if isinstance(group, dict)
            else group
            for group, wanted in zip(groups, [*own, *[{}] * len(groups)], strict=False)
        ]
    return {"state": rows, "param_groups": groups}


def is_tuple(wanted: dict[str, Any], key: str, value: Any) -> bool:
    """Whether a list stands for the tuple of an optimizer's setting."""
    return isinstance(value, list) and isinstance(wanted.get(key), tuple)


def read_state(path: Path) -> dict[str, Any]:
    """The dictionary in a checkpoint of this version."""
    try:
        state = read_state_file(path)
    except DataError as error:
        raise DataError(DAMAGED.format(reason=error)) from None
    if not isinstance(state, dict) or state.keys() != KEYS:
        raise DataError("it is no checkpoint of a training run; start anew")
    if type(state["version"]) is not int or state["version"] != VERSION:
        raise DataError("it is of another version of subbit; start anew")
    return state
