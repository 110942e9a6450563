"""state_dicts that came from elsewhere: read without executing anything, every size bounded."""

import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as parse_tensors
from torch import Tensor

from subbit.sw.errors import NetworkError
from subbit.sw.importers.arrays.rows import read_bounded

__all__ = ["State", "read_state"]

MAX_FILE_BYTES = 1 << 30
MAX_PICKLE_BYTES = 16 << 20
MAX_ELEMENTS = 1 << 28
State = dict[str, Tensor]
NESTED = ("state_dict", "model", "model_state_dict", "net")


def read_state(path: str | os.PathLike[str]) -> State:
    """The tensors of a checkpoint by name: .safetensors, or what torch.save wrote.

    A state_dict within it is found under the usual names, and the prefix ``module.`` of a parallel
    module is taken off. Raises NetworkError where the file cannot be read, would execute code, or
    holds tensors larger than their storage.
    """
    path = Path(path)
    try:
        if path.suffix == ".safetensors":
            return checked(parse_tensors(read_bounded(path, MAX_FILE_BYTES)))
        check_archive(path)
        return checked(torch.load(path, map_location="cpu", weights_only=True))
    except NetworkError as error:
        text = str(error)
        raise NetworkError(text if text.startswith(str(path)) else f"{path}: {text}") from None
    except pickle.UnpicklingError:
        raise NetworkError(
            f"{path}: it holds more than tensors, and would execute code; "
            "save the state_dict alone: torch.save(module.state_dict(), path)"
        ) from None
    except OSError as error:
        raise NetworkError(f"{path}: {error.strerror or error}; check the path") from None
    except (SafetensorError, RuntimeError, ValueError, EOFError, LookupError, TypeError) as error:
        reason = " ".join(str(error).split())[:100]
        raise NetworkError(f"{path}: damaged, or no checkpoint ({reason}); save it again") from None


def check_archive(path: Path) -> None:
    """Raise NetworkError unless the file is an archive of torch.save of a sane size."""
    if path.exists() and not path.is_file():
        raise NetworkError("not a file; name a checkpoint")
    with path.open("rb") as file:
        if file.read(4) != b"PK\x03\x04":
            raise NetworkError(
                "not written by torch.save of PyTorch 1.6 or newer; save the state_dict again"
            )
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except zipfile.BadZipFile:
        raise NetworkError("a damaged archive; save it again") from None
    if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
        raise NetworkError("a compressed archive, as torch.save writes none; save it again")
    if sum(entry.file_size for entry in entries) > MAX_FILE_BYTES:
        raise NetworkError(f"larger than {MAX_FILE_BYTES} bytes; name a smaller checkpoint")
    pickles = [entry.file_size for entry in entries if entry.filename.endswith(".pkl")]
    if max(pickles, default=0) > MAX_PICKLE_BYTES:
        raise NetworkError("its index is larger than that of any state_dict; save it alone")


def checked(found: Any) -> State:
    """The tensors of what was read."""
    for name in NESTED:
        if isinstance(found, dict) and isinstance(found.get(name), dict):
            found = found[name]
    if not isinstance(found, dict):
        raise NetworkError(f"it holds a {type(found).__name__}, no state_dict; save that alone")
    state = {str(key): value for key, value in found.items() if isinstance(value, Tensor)}
    if not state:
        raise NetworkError("it holds no tensors; save the module's state_dict")
    for key, value in state.items():
        check_tensor(key, value)
    return {key.removeprefix("module."): value for key, value in state.items()}


def check_tensor(key: str, value: Tensor) -> None:
    """Raise NetworkError unless the tensor is dense, finite, and no larger than its storage."""
    where = f"tensor {key[:64]!r}"
    if value.layout is not torch.strided or value.is_quantized or value.is_complex():
        raise NetworkError(f"{where} is not a plain dense tensor; save plain ones")
    stored = value.untyped_storage().nbytes() // value.element_size()
    if value.numel() > min(stored, MAX_ELEMENTS):
        raise NetworkError(f"{where} of shape {tuple(value.shape)} holds only {stored} numbers")
    if value.is_floating_point() and not bool(torch.isfinite(value).all()):
        raise NetworkError(f"{where} holds NaN or infinite numbers; train again")
