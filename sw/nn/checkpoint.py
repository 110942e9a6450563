"""Checkpoints of a training run: written whole or not at all, read without executing anything."""

import io
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from subbit.sw.atomic import write_atomic
from subbit.sw.errors import DataError

__all__ = ["History", "load_checkpoint", "save_checkpoint"]

VERSION = 1


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
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        if state["version"] != VERSION:
            raise DataError(f"{path} is of another version of subbit; start without --resume")
        if state["run"] != run:
            raise DataError(
                f"{path} belongs to a run with other settings "
                f"({state['run']}); start without --resume"
            )
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        return History(list(state["loss"]), list(state["accuracy"]))
    except (OSError, RuntimeError, KeyError, TypeError, ValueError, EOFError) as error:
        raise DataError(f"{path} is no checkpoint that can be read ({first_line(error)})") from None
    except pickle.UnpicklingError:
        raise DataError(f"{path} is no checkpoint; start without --resume") from None


def first_line(error: Exception) -> str:
    """The first line of what the error says, or its kind if it says nothing."""
    return str(error).partition("\n")[0] or type(error).__name__
