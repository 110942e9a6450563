"""Reading data files, plain or gzip, with a bound on their size."""

import gzip
import zlib
from pathlib import Path

from subbit.sw.errors import DataError

__all__ = ["find_file", "read_data"]

MAX_DATA_BYTES = 5 << 27


def find_file(folder: Path | None, names: tuple[str, ...], what: str) -> Path:
    """The first of ``names`` that lies in ``folder``; raises DataError if none does."""
    if folder is None:
        raise DataError(f"{what} needs its files: name their folder with --data")
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder; name the one that holds {what}")
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise DataError(f"{folder} has no {names[0]}, which {what} needs; put the file there")


def read_data(path: Path, most: int = MAX_DATA_BYTES + 1) -> bytes:
    """The content of ``path``, unpacked if it is gzip, or its first ``most`` bytes; raises
    DataError where it cannot be read, or is larger than any data set.
    """
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
        with gzip.open(path) if packed else path.open("rb") as file:
            content = file.read(min(most, MAX_DATA_BYTES + 1))
    except EOFError:
        raise DataError(f"{path} is cut short; fetch it again") from None
    except (OSError, zlib.error) as error:
        raise DataError(f"cannot read {path} ({error}); check the file") from None
    if len(content) > MAX_DATA_BYTES:
        raise DataError(f"{path} holds more than {MAX_DATA_BYTES} bytes; it is no data set of ours")
    return content
