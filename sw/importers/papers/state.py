"""state_dicts that came from elsewhere: read without executing anything, every size bounded."""

import os
from collections.abc import Iterator
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
MAX_ALPHAS = 1 << 20
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
    for key, value in flat(found):
        tensor = as_alphas(key, value)
        if tensor is not None:
            name = key.removeprefix("module.")
            if name in state:
                raise NetworkError(f"it holds two tensors of the name {quote(name)}")
            check_tensor(name, tensor)
            state[name] = tensor
    if not state:
        raise NetworkError("it holds no tensors; save the module's state_dict")
    return state


def flat(found: dict[Any, Any]) -> Iterator[tuple[str, Any]]:
    """The entries, and those of a packed layer that has a dict of its own."""
    for key, value in found.items():
        if isinstance(value, dict) and {"tile", "alphas"} <= value.keys():
            yield from ((f"{key}.{name}", part) for name, part in value.items())
        else:
            yield str(key), value


def as_alphas(key: str, value: Any) -> Tensor | None:
    """The value if it is a tensor, or a packed layer's list of alphas as one; None otherwise."""
    if isinstance(value, Tensor):
        return value
    if not key.endswith(".alphas") or not isinstance(value, (list, tuple)):
        return None
    single = [
        part.item() if isinstance(part, Tensor) and part.numel() == 1 else part for part in value
    ]
    if not all(type(part) in (int, float) for part in single) or len(single) > MAX_ALPHAS:
        raise NetworkError(f"{quote(key)[:80]} is no list of numbers; save the alphas as one")
    return torch.tensor([float(part) for part in single], dtype=torch.float64)


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
