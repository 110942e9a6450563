"""Reading the attributes of layers from untrusted JSON, with clear errors."""

from typing import Any

from subbit.sw.errors import NetworkError
from subbit.sw.ir.types import TensorType

__all__ = ["no_more", "only_input", "take_int", "take_text"]


def take_int(attributes: dict[str, Any], name: str, low: int, high: int) -> int:
    """Remove and return the integer attribute ``name``, which must lie in ``low..high``."""
    value = attributes.pop(name, None)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise NetworkError(f"attribute {name!r} must be an integer in {low}..{high}, not {value!r}")
    return value


def take_text(attributes: dict[str, Any], name: str, choices: tuple[str, ...]) -> str:
    """Remove and return the text attribute ``name``, which must be one of ``choices``."""
    value = attributes.pop(name, None)
    if value not in choices:
        raise NetworkError(f"attribute {name!r} must be one of {', '.join(choices)}, not {value!r}")
    return str(value)


def no_more(attributes: dict[str, Any], tensors: dict[str, Any]) -> None:
    """Raise NetworkError if anything is left that the layer does not know."""
    if attributes or tensors:
        raise NetworkError(f"unknown parts: {', '.join(map(repr, (*attributes, *tensors)))}")


def only_input(inputs: tuple[TensorType, ...]) -> TensorType:
    """The only input; raises NetworkError if there is any other number of them."""
    if len(inputs) != 1:
        raise NetworkError(f"the layer takes one input, not {len(inputs)}")
    return inputs[0]
