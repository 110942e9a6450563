"""Files of integer arrays and of descriptions that came from elsewhere, and rows of the latter."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load as parse_arrays

from subbit.sw.errors import NetworkError, quote
from subbit.sw.importers.arrays.npz import read_npz
from subbit.sw.ir.window import Pads, Side, as_side
from subbit.sw.loading import as_int64, loading, strict_json

__all__ = ["DescriptionRow", "check_names", "read_arrays", "read_bounded", "read_description"]

MAX_DESCRIPTION_BYTES = 1 << 20
MAX_ARRAYS_BYTES = 256 << 20
Arrays = dict[str, NDArray[np.int64]]
MISSING = object()
JSON_NAMES = {dict: "object", list: "array", str: "string", int: "integer", bool: "boolean"}


@dataclass
class DescriptionRow:
    """A JSON object from which values are taken, and which must be empty in the end.

    ``where`` is what messages call it.
    """

    where: str
    values: dict[str, Any]

    def take(self, key: str, kind: type, default: Any = MISSING) -> Any:
        """Remove and return a value of that type; raises NetworkError if it has another, or if it
        is missing and has no default.
        """
        value = self.values.pop(key, default)
        if value is MISSING or type(value) is not kind:
            raise self.error(f"{key!r} must be a JSON {JSON_NAMES[kind]}")
        return value

    def choice(self, key: str, choices: tuple[str, ...], default: str | None = None) -> str:
        """Remove and return a string that must be one of the choices."""
        value = self.values.pop(key, default)
        if value not in choices:
            raise self.error(
                f"{key!r} must be one of {', '.join(choices)}, not {quote(value)[:42]}"
            )
        return str(value)

    def side(self, key: str, default: int | None, low: int, high: int) -> Side:
        """Remove and return an integer within ``low..high``, or a list of two, of height and width;
        None is no default.
        """
        try:
            return as_side(repr(key), self.values.pop(key, default), low, high)
        except NetworkError as error:
            raise self.error(str(error)) from None

    def pads(self) -> Pads | None:
        """Remove and return the four integers of ``pads``, above, left, below and right, if any."""
        if "pads" not in self.values:
            return None
        found = self.values.pop("pads")
        if type(found) is not list or len(found) != 4 or any(type(n) is not int for n in found):
            raise self.error("'pads' must be four integers, those above, left, below and right")
        return found[0], found[1], found[2], found[3]

    def error(self, reason: str) -> NetworkError:
        """The error that names the row."""
        return NetworkError(f"{self.where}: {reason}")

    def finish(self) -> None:
        """Raise NetworkError if anything is left."""
        if self.values:
            raise self.error(f"unknown {', '.join(map(repr, self.values))[:80]}")


def read_bounded(path: Path, limit: int) -> bytes:
    """The content of a file of at most ``limit`` bytes."""
    if path.exists() and not path.is_file():
        raise NetworkError("not a file; check the path")
    with path.open("rb") as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise NetworkError(f"larger than {limit} bytes; no such file of a network is")
    return content


def read_description(path: Path) -> dict[str, Any]:
    """The JSON object in a file; raises NetworkError."""
    with loading(path, NetworkError, "no JSON ({reason}); see docs/use/import.md"):
        value = strict_json(read_bounded(path, MAX_DESCRIPTION_BYTES))
        if not isinstance(value, dict):
            raise NetworkError("a description is a JSON object; see docs/use/import.md")
        return value


def read_arrays(path: Path) -> Arrays:
    """The integer arrays in an .npz or .safetensors file, as int64; raises NetworkError."""
    if path.suffix == ".npz":
        return read_npz(path)
    with loading(path, NetworkError, "no safetensors file, or a damaged one ({reason})"):
        content = read_bounded(path, MAX_ARRAYS_BYTES)
        check_names(content)
        return {
            name: as_int64(f"the array {name[:64]!r}", array, NetworkError)
            for name, array in parse_arrays(content).items()
        }


def check_names(content: bytes) -> None:
    """Raise ValueError where the header of a safetensors file is no JSON or has a name twice, of
    which the parser would take the last.
    """
    size = int.from_bytes(content[:8], "little")
    if len(content) < 8 or size > len(content) - 8:
        raise ValueError("its header is cut short")
    strict_json(content[8 : 8 + size])
