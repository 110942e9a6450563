"""A build's folder: filled beside its place, and moved there only when everything is made."""

import contextlib
import fcntl
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

from subbit.sw.errors import SubbitError

__all__ = ["build_folder", "publish"]


@contextlib.contextmanager
def build_folder(out: Path) -> Iterator[Path]:
    """An empty folder ``out``.part to build in, removed at the end.

    publish moves its files to ``out``. After an error the folder stays, for its logs; the next
    build empties it. Raises SubbitError where another build of the same folder is running.
    """
    part = out.with_name(out.name + ".part")
    part.parent.mkdir(parents=True, exist_ok=True)
    with locked(out.with_name(f".{out.name}.lock"), out):
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir()
        yield part
        shutil.rmtree(part, ignore_errors=True)


@contextlib.contextmanager
def locked(path: Path, out: Path) -> Iterator[None]:
    """Hold the lock file ``path``; the system lets go of it however the process ends."""
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise SubbitError(f"another build of {out} is running; wait for it to end") from None
        yield


def publish(part: Path, out: Path, *, last: str) -> None:
    """Move every file of ``part`` into ``out``, the file ``last`` at the end.

    The old ``last`` goes first: where it is there, the files beside it are of the same build. Files
    of other names stay. Ctrl-C waits until all are moved.
    """
    out.mkdir(parents=True, exist_ok=True)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        (out / last).unlink(missing_ok=True)
        for name in sorted(os.listdir(part), key=lambda name: (name == last, name)):
            os.replace(part / name, out / name)
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
