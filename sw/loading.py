"""The one place where whatever a file makes its reader raise becomes an error for the user.

Also what the readers of several formats share: JSON without surprises, and integers that must fit.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from subbit.sw.errors import SubbitError, quote

__all__ = ["as_int64", "loading", "reason_of", "strict_json"]

REASON = 100


@contextmanager
def loading(path: Path, kind: type[SubbitError], damaged: str, what: str = "") -> Iterator[None]:
    """Read ``path`` within this: every error becomes one line that begins with the path.

    A SubbitError keeps its class and text. An OSError with a reason gives that reason, and says
    that ``what`` cannot be read. Anything else, from whatever library parses the file, is a
    ``kind`` with the text ``damaged``, in which ``{reason}`` is what the library said. Lack of
    memory or of a package is no fault of the file and passes.
    """
    try:
        yield
    except SubbitError as error:
        text = str(error)
        raise type(error)(text if text.startswith(f"{path}: ") else f"{path}: {text}") from None
    except (MemoryError, ImportError):
        raise
    except OSError as error:
        if error.strerror is None:
            raise kind(f"{path}: {damaged.format(reason=reason_of(error))}") from None
        reason = f"cannot read {what} ({error.strerror})" if what else error.strerror
        raise kind(f"{path}: {reason}; check the path") from None
    except Exception as error:
        raise kind(f"{path}: {damaged.format(reason=reason_of(error))}") from None


def reason_of(error: BaseException) -> str:
    """The first hundred characters of what the error says, or its kind if it says nothing."""
    text = " ".join(str(error).split())[:REASON]
    return text or type(error).__name__


def strict_json(text: bytes | str) -> Any:
    """The JSON value of ``text``; raises ValueError for repeated names, NaN and infinity too."""
    return json.loads(text, object_pairs_hook=unique, parse_constant=refuse)


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object of the pairs, if no name occurs twice."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"{key[:64]!r} occurs twice")
        found[key] = value
    return found


def refuse(constant: str) -> NoReturn:
    """Raise ValueError: JSON has no NaN or Infinity."""
    raise ValueError(f"{constant} is no number")


def as_int64(name: str, array: NDArray[Any], kind: type[SubbitError]) -> NDArray[np.int64]:
    """The integers as int64; raises ``kind`` where they are none, or where one does not fit.

    ``name`` is what the message calls the array.
    """
    if array.dtype.kind not in "iu":
        raise kind(f"{name} holds {quote(str(array.dtype))[1:-1]}, not integers")
    if array.dtype.kind == "u" and array.size and int(array.max()) >= 1 << 63:
        raise kind(f"{name} holds {array.max()}, which is more than 63 bits; use smaller integers")
    return array.astype(np.int64)
