"""state_dicts that came from elsewhere: read without executing anything, every size bounded."""

import os
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load as parse_tensors
from torch import Tensor

from subbit.sw.errors import NetworkError, quote
from subbit.sw.importers.arrays.rows import check_names, read_bounded
from subbit.sw.loading import loading
from subbit.sw.torch_file import MAX_FILE_BYTES, load_torch

__all__ = ["State", "read_state"]

MAX_ELEMENTS = 1 << 28
State = dict[str, Tensor]
NESTED = ("state_dict", "model", "model_state_dict", "net")


def read_state(path: str | os.PathLike[str]) -> State:
    """The tensors of a checkpoint by name: .safetensors, or what torch.save wrote.

    A state_dict within it is found under the usual names, and the prefix ``module.`` of a parallel
    module is taken off. Raises NetworkError where the file cannot be read, would execute code, has
    two tensors of one name, or holds tensors larger than their storage.
    """
    path = Path(path)
    with loading(path, NetworkError, "damaged, or no checkpoint ({reason}); save it again"):
        if path.suffix != ".safetensors":
            return checked(load_torch(path))
        content = read_bounded(path, MAX_FILE_BYTES)
        check_names(content)
        return checked(parse_tensors(content))


def checked(found: Any) -> State:
    """The tensors of what was read."""
    for name in NESTED:
        if isinstance(found, dict) and isinstance(found.get(name), dict):
            found = found[name]
    if not isinstance(found, dict):
        raise NetworkError(f"it holds a {type(found).__name__}, no state_dict; save that alone")
    state: State = {}
    for key, value in found.items():
        if isinstance(value, Tensor):
            name = str(key).removeprefix("module.")
            if name in state:
                raise NetworkError(f"it holds two tensors of the name {quote(name)}")
            check_tensor(name, value)
            state[name] = value
    if not state:
        raise NetworkError("it holds no tensors; save the module's state_dict")
    return state


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
