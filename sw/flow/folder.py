"""A build's folder: filled beside its place, and put there only when everything is made."""

import contextlib
import ctypes
import errno
import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from subbit.sw.errors import SubbitError
from subbit.sw.signals import deferred

__all__ = ["build_folder", "check_folder", "publish"]

# Is in a folder that has come to its place until everything else is done.
MARKER = ".publishing"
AT_FDCWD, RENAME_EXCHANGE = -100, 2
CANNOT_EXCHANGE = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP)


@contextlib.contextmanager
def build_folder(out: Path) -> Iterator[Path]:
    """An empty folder ``out``.part to build in, removed at the end.

    publish puts it in the place of ``out``. After an error the folder stays, for its logs; the next
    build empties it, and first completes what an earlier one that was killed has left undone.
    Raises SubbitError where ``out`` cannot be a build's folder, or another build of it is running.
    """
    check_folder(out)
    out = Path(os.path.realpath(out))
    part = out.with_name(out.name + ".part")
    part.parent.mkdir(parents=True, exist_ok=True)
    with locked(out.with_name(f".{out.name}.lock"), out):
        recover(part, out)
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir()
        yield part
        shutil.rmtree(part, ignore_errors=True)


def check_folder(out: Path) -> None:
    """Raise SubbitError where a build may not take the place of ``out``: it must be a folder of its
    own, which is replaced as a whole.
    """
    if out == Path():
        raise SubbitError("the build needs a folder of its own, not the one you are in; name one")
    place = Path(os.path.realpath(out))
    if Path.cwd().is_relative_to(place) or place == Path.home():
        raise SubbitError(
            f"the build needs a folder of its own, and {out} holds other things; name a folder in "
            "it, such as build/net"
        )
    if place.exists() and not place.is_dir():
        raise SubbitError(f"{out} is no folder, but a file; name another place for the build")
    if place.is_mount():
        raise SubbitError(
            f"{out} is where a disk is mounted, which cannot be replaced; name a folder in it"
        )


@contextlib.contextmanager
def locked(path: Path, out: Path) -> Iterator[None]:
    """Hold the lock file ``path``; the system lets go of it however the process ends."""
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise SubbitError(f"another build of {out} is running; wait for it to end") from None
        yield


def publish(part: Path, out: Path) -> None:
    """Put the folder ``part`` in the place of ``out`` at once; what ``out`` holds under other names
    is kept.

    Whatever ends the process, ``out`` is the old folder or the new one, and the next build_folder
    completes the rest. Ctrl-C, SIGTERM and SIGHUP wait until all is done. Raises OSError where a
    folder of the user's has the name of a new file.
    """
    out = Path(os.path.realpath(out))
    for name in os.listdir(part):
        if (out / name).is_dir() and not (part / name).is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(out / name))
    with deferred():
        (part / MARKER).touch()
        if not out.exists():
            os.rename(part, out)
        elif not exchange(part, out):
            os.rename(out, old_of(out))
            os.rename(part, out)
        settle(part, out)


def exchange(one: Path, other: Path) -> bool:
    """Let two folders change places in one step; False where this system cannot do that."""
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:
        return False
    paths = AT_FDCWD, os.fsencode(one), AT_FDCWD, os.fsencode(other)
    if rename(*paths, RENAME_EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in CANNOT_EXCHANGE:
        return False
    raise OSError(number, os.strerror(number), str(other))


def old_of(out: Path) -> Path:
    """Where the old folder waits until its other files have moved."""
    return out.with_name(f".{out.name}.old")


def recover(part: Path, out: Path) -> None:
    """Complete, or take back, what a publish that was killed has left undone."""
    if not out.exists() and old_of(out).exists():
        os.rename(old_of(out), out)
    if (out / MARKER).exists():
        settle(part, out)


def settle(part: Path, out: Path) -> None:
    """Move the files of other names from the old folder into the new one, and remove the old."""
    old = old_of(out)
    if part.exists() and not old.exists():
        os.rename(part, old)
    if old.exists():
        for name in os.listdir(old):
            if name != MARKER and not os.path.lexists(out / name):
                os.rename(old / name, out / name)
        shutil.rmtree(old)
    (out / MARKER).unlink(missing_ok=True)
