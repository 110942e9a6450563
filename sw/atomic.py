"""Writing files so that an interruption leaves the old content or the new, never half of either."""

import contextlib
import errno
import os
import secrets
from pathlib import Path

__all__ = ["advice", "write_atomic"]

FULL = (errno.ENOSPC, errno.EDQUOT)


def write_atomic(path: Path, content: bytes | str) -> None:
    """Replace ``path`` by ``content``, whole or not at all; makes its folder. Raises OSError.

    A link stays a link: the file that it points to is replaced. What is no file, as /dev/stdout, is
    written to.
    """
    data = content.encode() if isinstance(content, str) else content
    path = Path(os.path.realpath(path))
    if path.exists() and not path.is_file() and not path.is_dir():
        path.write_bytes(data)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.parent / f".{path.name[:64]}.{secrets.token_hex(8)}.part"
    try:
        write_synced(temporary, data)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def write_synced(path: Path, data: bytes) -> None:
    """Write a new file and wait until the disk has it."""
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def advice(error: OSError) -> str:
    """What a user can do about a file that could not be written."""
    if error.errno in FULL:
        return "make room on that disk, or name a place on another one"
    if error.errno == errno.EFBIG:
        return "name a place on a disk that takes large files"
    return "name another place"
