"""What layers and weights are made of: JSON attributes and integer arrays."""

import hashlib
import json
from abc import ABC, abstractmethod
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from subbit.sw.errors import QUOTED, NetworkError, quote
from subbit.sw.ir.types import TensorType

__all__ = [
    "Parts",
    "as_json",
    "hash_arrays",
    "no_more",
    "only_input",
    "take_array",
    "take_int",
    "take_text",
]


class Parts(ABC):
    """Something that its attributes and arrays define; two of one class are equal if those are."""

    def attributes(self) -> dict[str, Any]:
        """The JSON values that define it beside its arrays."""
        return {}

    def tensors(self) -> dict[str, NDArray[Any]]:
        """The arrays that define it, by name, as they go into a file."""
        return {}

    @classmethod
    @abstractmethod
    def from_parts(cls, attributes: dict[str, Any], tensors: dict[str, NDArray[Any]]) -> Self:
        """What the parts describe, taken out of both; raises NetworkError if they describe none."""

    @cached_property
    def fingerprint(self) -> bytes:
        """SHA-256 of the class, the attributes and the arrays."""
        text = json.dumps([type(self).__qualname__, self.attributes()], sort_keys=True)
        total = hashlib.sha256(text.encode())
        hash_arrays(total, "", self.tensors())
        return total.digest()

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        assert isinstance(other, Parts)
        return self.fingerprint == other.fingerprint

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    def __repr__(self) -> str:
        """Attributes, and the shapes of the arrays."""
        attributes = [f"{key}={value!r}" for key, value in self.attributes().items()]
        shapes = ["x".join(map(str, part.shape)) for part in self.tensors().values()]
        arrays = [f"{key}=[{s}]" for key, s in zip(self.tensors(), shapes, strict=True)]
        return f"{type(self).__name__}({', '.join(attributes + arrays)})"


def hash_arrays(total: "hashlib._Hash", prefix: str, arrays: dict[str, NDArray[Any]]) -> None:
    """Add names, types, shapes and little-endian contents of the arrays to a hash, by name."""
    for name, array in sorted(arrays.items()):
        little = array.astype(array.dtype.newbyteorder("<"))
        total.update(f"{prefix}{name} {little.dtype.str} {little.shape}".encode())
        total.update(little.tobytes())


def as_json(name: str, value: Any) -> Any:
    """A copy of ``value`` as a JSON file would give it back; raises NetworkError if none could."""
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise NetworkError(
            f"{name} must be JSON values without NaN or infinity ({error})"
        ) from None


def take_array(tensors: dict[str, NDArray[Any]], name: str) -> NDArray[Any]:
    """Remove and return the array ``name``."""
    if name not in tensors:
        raise NetworkError(f"the array {name!r} is missing")
    return np.asarray(tensors.pop(name))


def take_int(attributes: dict[str, Any], name: str, low: int, high: int) -> int:
    """Remove and return the integer attribute ``name``, which must lie in ``low..high``."""
    value = attributes.pop(name, None)
    if type(value) is not int or not low <= value <= high:
        raise NetworkError(
            f"attribute {name!r} must be an integer in {low}..{high}, not {quote(value)}"
        )
    return value


def take_text(attributes: dict[str, Any], name: str, choices: tuple[str, ...]) -> str:
    """Remove and return the text attribute ``name``, which must be one of ``choices``."""
    value = attributes.pop(name, None)
    if value not in choices:
        raise NetworkError(
            f"attribute {name!r} must be one of {', '.join(choices)}, not {quote(value)}"
        )
    return str(value)


def no_more(attributes: dict[str, Any], tensors: dict[str, Any]) -> None:
    """Raise NetworkError if anything is left that the layer does not know."""
    if attributes or tensors:
        names = ", ".join(map(quote, (*attributes, *tensors)))
        raise NetworkError(f"unknown parts: {names[:QUOTED]}")


def only_input(inputs: tuple[TensorType, ...]) -> TensorType:
    """The only input; raises NetworkError if there is any other number of them."""
    if len(inputs) != 1:
        raise NetworkError(f"the layer takes one input, not {len(inputs)}")
    return inputs[0]
