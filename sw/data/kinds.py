"""The table of kinds of data sets, and which kind a path is."""

from collections import Counter
from pathlib import Path
from typing import Any

from subbit.sw.data.arrays import NpzFiles, arrays_of
from subbit.sw.data.cifar import Cifar10Files, Cifar100Files
from subbit.sw.data.class_folders import sub_folders
from subbit.sw.data.idx import IdxFiles
from subbit.sw.data.pictures import PICTURE_FILES, Pictures
from subbit.sw.data.recordings import Recordings
from subbit.sw.data.series import SeriesFiles
from subbit.sw.data.source import Kind
from subbit.sw.data.table import CsvFiles
from subbit.sw.errors import DataError, quote

__all__ = ["ARRAYS", "KINDS", "detect", "find_kind", "place_of"]

# What messages call arrays from Python, in the place of a path.
ARRAYS = Path("the arrays")
KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Pictures(),
        Recordings(),
        NpzFiles(),
        CsvFiles(),
        SeriesFiles(),
        IdxFiles(),
        Cifar10Files(),
        Cifar100Files(),
    )
}


def find_kind(name: str) -> Kind:
    """The kind of that name; raises DataError, listing the names, if there is none."""
    if name not in KINDS:
        raise DataError(f"unknown kind of data {quote(name)}; known are {', '.join(KINDS)}")
    return KINDS[name]


def detect(path: Path) -> Kind:
    """The kind that a file or folder is, by names and suffixes.

    Raises DataError where there is nothing, where it is none of them, and where it is several.
    """
    check_exists(path)
    try:
        found = [kind for kind in KINDS.values() if kind.is_it(path)]
    except PermissionError as error:
        raise DataError(f"{error.filename}: {error.strerror}; check its permissions") from None
    if len(found) == 1:
        return found[0]
    if found:
        names = " and ".join(f"{kind.what} ({kind.name})" for kind in found)
        raise DataError(f"{path} is {names}; name one with --data-kind")
    raise DataError(f"{path} is no data set of a known kind: {contents(path)}")


def place_of(data: Any, kind: str | None = None) -> tuple[Path, Kind]:
    """Where data are, and their kind: that which is named, or else looks like it. ``data``: a path,
    which must be there, or what arrays_of takes. Raises DataError.
    """
    if not isinstance(data, str | Path):
        return ARRAYS, NpzFiles(arrays_of(data))
    path = Path(data)
    check_exists(path)
    found = find_kind(kind) if kind else detect(path)
    if found.inside and not path.is_dir():
        raise DataError(f"{path} is not a folder; {found.inside} lie in one: name it")
    return path, found


def check_exists(path: Path) -> None:
    """Raise DataError if there is nothing at a path."""
    if not path.exists():
        raise DataError(f"there are no data at {path}; check the path")


def contents(path: Path) -> str:
    """What is there instead, and what to do about it."""
    advice = f"known kinds are {', '.join(KINDS)}, see docs/use/data.md"
    if not path.is_dir():
        suffix = path.suffix.lower()
        if suffix in PICTURE_FILES | {".wav"}:
            return "it is one file; name the folder whose sub-folders are the classes"
        if suffix in (".gz", ".bin") or path.name.endswith("ubyte"):
            return "it is one file of a set; name the folder that it is in"
        return f"its name ends in {quote(suffix)}; {advice}"
    subs = sub_folders(path)
    files = [found for found in path.iterdir() if found.is_file()]
    if not subs and not files:
        return "the folder is empty"
    ends = Counter(found.suffix.lower() for found in files)
    if not subs and ends.keys() & (PICTURE_FILES | {".wav"}):
        (end, count), *_ = ends.most_common(1)
        return f"{count} files {end} lie in it without a class; put them into a sub-folder a class"
    inner = Counter(found.suffix.lower() for sub in subs for found in sub.iterdir())
    most = ", ".join(f"{count} of {end or 'no suffix'}" for end, count in inner.most_common(3))
    return f"its {len(subs)} sub-folders hold {most or 'nothing'}; {advice}"
