"""Sets of images that come as one archive."""

import shutil
import tarfile
from pathlib import Path

from subbit.sw.errors import DataError

__all__ = ["unpacked"]

MAX_BYTES = 1 << 31
MAX_FILES = 1 << 20


def unpacked(source: Path, cache: Path) -> Path:
    """``source`` if it is a folder; if it is a tar archive, the folder in ``cache`` with its files.

    The archive is unpacked whole, the first time: single files are slow to reach in a compressed
    one. Nothing is written outside of ``cache``, whatever the archive says. Raises DataError where
    it is no archive, holds more than MAX_FILES files or MAX_BYTES bytes, or names files elsewhere.
    """
    if source.is_dir():
        return source
    folder = cache / source.name.split(".")[0]
    if folder.is_dir():
        return folder
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        unpack(source, part)
        part.rename(folder)
    except (tarfile.TarError, EOFError) as error:
        reason = (str(error).splitlines() or ["cut short"])[0].rstrip(":")
        raise DataError(f"{source} is no tar archive of images ({reason}); name another") from None
    except OSError as error:
        raise DataError(f"cannot unpack {source} ({error}); check the path and the disk") from None
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return folder


def unpack(source: Path, folder: Path) -> None:
    """Write the archive's files into ``folder``, in the archive's order, which is the fast one."""
    total = 0
    with tarfile.open(source) as archive:
        for count, member in enumerate(archive):
            total += member.size
            if total > MAX_BYTES or count >= MAX_FILES:
                raise DataError(
                    f"{source} holds more than {MAX_BYTES} bytes or {MAX_FILES} files; "
                    "name an archive of images"
                )
            archive.extract(member, folder, filter="data")
