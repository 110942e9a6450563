"""Checkpoints of a training run: written whole or not at all, read without executing anything."""

import io
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from subbit.sw.atomic import write_atomic
from subbit.sw.errors import DataError

__all__ = ["History", "load_checkpoint", "save_checkpoint", "start_from", "start_from_checkpoint"]

VERSION = 2


@dataclass
class History:
    """Per finished epoch: mean training loss, and accuracy on the test set from 0 to 1."""

    loss: list[float]
    accuracy: list[float]

    @property
    def epochs(self) -> int:
        """Finished epochs."""
        return len(self.loss)


def save_checkpoint(
    path: Path, run: dict[str, Any], model: torch.nn.Module, optimizer: Any, history: History
) -> None:
    """Write the state after an epoch; ``run`` names the run it belongs to. Raises DataError."""
    buffer = io.BytesIO()
    state = {
        "version": VERSION,
        "run": run,
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "loss": history.loss,
        "accuracy": history.accuracy,
    }
    torch.save(state, buffer)
    try:
        write_atomic(path, buffer.getvalue())
    except OSError as error:
        raise DataError(
            f"cannot write the checkpoint {path}: {error.strerror}; "
            "free some space or name another place"
        ) from None


def load_checkpoint(
    path: Path, run: dict[str, Any], model: torch.nn.Module, optimizer: Any
) -> History:
    """Put the state in ``path`` into ``model`` and ``optimizer``.

    Raises DataError if there is none, if it is damaged, or if it belongs to another run than
    ``run``.
    """
    if not path.is_file():
        raise DataError(f"there is no checkpoint {path} to resume from; start without --resume")
    with readable(path):
        state = read_state(path)
        if state["run"] != run:
            raise DataError(
                f"{path} belongs to a run with other settings "
                f"({state['run']}); start without --resume"
            )
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        return History(list(state["loss"]), list(state["accuracy"]))


def start_from_checkpoint(path: Path, model: torch.nn.Module) -> str:
    """Start ``model`` from the parameters in ``path``, see start_from; returns which run left them.

    Raises DataError if there is no checkpoint, or one of a module of other sizes.
    """
    if not path.is_file():
        raise DataError(f"there is no checkpoint {path} to start from; name another file")
    with readable(path):
        state = read_state(path)
        start_from(model, state["model"])
        run = state["run"]
        return f"{run['name']}, epochs {run['epochs']}, seed {run['seed']}"


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
        if own[name].shape != state[name].shape:
            raise DataError(
                f"cannot start from a module in which {name!r} has the shape "
                f"{tuple(state[name].shape)}, not {tuple(own[name].shape)}"
            )
    if not any("encoder." in name for name in shared):
        raise DataError("cannot start from a module that has no weights in common with this one")
    for name in shared:
        own[name].copy_(state[name])
    return [name for name in own if name not in state]


def read_state(path: Path) -> dict[str, Any]:
    """The dictionary in a checkpoint of this version."""
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    if state["version"] != VERSION:
        raise DataError(f"{path} is of another version of subbit; start anew")
    return state


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turn what a damaged file makes torch raise into a DataError."""
    try:
        yield
    except (OSError, RuntimeError, KeyError, TypeError, ValueError, EOFError) as error:
        raise DataError(f"{path} is no checkpoint that can be read ({first_line(error)})") from None
    except pickle.UnpicklingError:
        raise DataError(f"{path} is no checkpoint; start anew") from None


def first_line(error: Exception) -> str:
    """The first line of what the error says, or its kind if it says nothing."""
    return str(error).partition("\n")[0] or type(error).__name__
