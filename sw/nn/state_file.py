"""Nested dicts and lists with tensors in them as one safetensors file: no code in it, ever.

The tensors are the file's arrays; all else is JSON in its metadata, where ``{"tensor": NAME}``
stands for each of them. JSON knows no tuples and no keys but text: who reads must expect lists, and
decimal text for the keys that were integers.
"""

import json
from pathlib import Path
from typing import Any

from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

from subbit.sw.errors import DataError
from subbit.sw.loading import strict_json

__all__ = ["pack_state", "read_state_file"]

KEY = "state"
TENSOR = "tensor"
MAX_FILE_BYTES = 1 << 30
MAX_JSON = 16 << 20


def pack_state(state: Any) -> bytes:
    """The bytes of the file."""
    tensors: dict[str, Tensor] = {}

    def plain(value: Any, name: str) -> Any:
        """The value as JSON, its tensors put aside."""
        if isinstance(value, Tensor):
            tensors[name] = value.detach().cpu().contiguous().clone()
            return {TENSOR: name}
        if isinstance(value, dict):
            return {str(key): plain(inner, f"{name}/{key}") for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return [plain(inner, f"{name}/{at}") for at, inner in enumerate(value)]
        return value

    text = json.dumps(plain(state, ""))
    return save(tensors, {KEY: text})


def read_state_file(path: Path) -> Any:
    """What pack_state put into the file; raises DataError where it is larger than any run's, and
    whatever the parsers raise where it is damaged.
    """
    if path.stat().st_size > MAX_FILE_BYTES:
        raise DataError(f"it is larger than {MAX_FILE_BYTES} bytes; start anew")
    with safe_open(path, framework="pt") as file:
        names = list(file.keys())
        text = (file.metadata() or {}).get(KEY, "")
        if len(text) > MAX_JSON:
            raise DataError("its index is larger than any run's; start anew")
        tensors = {name: file.get_tensor(name).clone() for name in names}

    def filled(value: Any) -> Any:
        """The value with its tensors, each of them once."""
        if isinstance(value, dict):
            if value.keys() == {TENSOR} and isinstance(value[TENSOR], str):
                return tensors.pop(value[TENSOR])
            return {key: filled(inner) for key, inner in value.items()}
        return [filled(inner) for inner in value] if isinstance(value, list) else value

    found = filled(strict_json(text))
    if tensors:
        raise DataError("it holds tensors that nothing names; start anew")
    return found
