"""A folder for each simulation that runs, also where several of the same network do at once."""

import contextlib
import fcntl
from collections.abc import Iterator
from itertools import count
from pathlib import Path

__all__ = ["run_folder"]


@contextlib.contextmanager
def run_folder(folder: Path) -> Iterator[Path]:
    """``folder``, or where another run has it, the first of folder-2, folder-3 and so on that none
    has: for this context alone, with what earlier runs have left there.

    A file beside it is locked; the system lets go of it however the process ends.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    for number in count(1):
        place = folder if number == 1 else folder.with_name(f"{folder.name}-{number}")
        with place.with_name(f".{place.name}.lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                continue
            yield place
            return
