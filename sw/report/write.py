"""Writing a page, and never over a file that is not one of ours."""

import os
from pathlib import Path

from subbit.sw.atomic import advice, write_atomic
from subbit.sw.errors import SubbitError

__all__ = ["MARK", "write_page"]

# In the head of each page.
MARK = '<meta name="generator" content="subbit">'
HEAD_BYTES = 4096


def write_page(path: str | os.PathLike[str], text: str) -> Path:
    """Write a page, whole or not at all; an older page of subbit's is replaced.

    Raises SubbitError where another file has that name, or where it cannot be written.
    """
    place = Path(path)
    try:
        if place.exists() and MARK.encode() not in head(place):
            raise SubbitError(
                f"{place} is there already, and is no page of subbit's; name another place for the "
                "report"
            )
        write_atomic(place, text)
    except OSError as error:
        reason = error.strerror or str(error)
        raise SubbitError(
            f"cannot write the report to {place} ({reason}); {advice(error)}"
        ) from None
    return place


def head(path: Path) -> bytes:
    """The first bytes of a file; nothing of what is none, such as /dev/stdout."""
    if path.is_dir():
        return b""
    if not path.is_file():
        return MARK.encode()
    with path.open("rb") as file:
        return file.read(HEAD_BYTES)
