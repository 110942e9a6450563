"""Folders of files, one sub-folder a class: what pictures and recordings have in common."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from subbit.sw.data.source import MAX_CLASSES
from subbit.sw.errors import DataError, quote

__all__ = ["MAX_FILES", "Files", "has_parts", "holds", "list_files", "sub_folders"]

MAX_FILES = 200_000
PARTS = ("train", "test")


@dataclass(frozen=True, eq=False)
class Files:
    """The files below ``root``, with the class of each."""

    root: Path
    paths: list[Path]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]

    def names(self) -> bytes:
        """Their places below the folder."""
        return "\n".join(path.relative_to(self.root).as_posix() for path in self.paths).encode()


def sub_folders(folder: Path) -> list[Path]:
    """The sub-folders that may be classes, by name: not hidden ones, nor those of archives."""
    found = (path for path in folder.iterdir() if path.is_dir())
    return sorted(path for path in found if not path.name.startswith((".", "__")))


def has_parts(folder: Path) -> bool:
    """Whether the folder has ``train`` and ``test`` for its sub-folders of classes."""
    return all((folder / part).is_dir() for part in PARTS)


def holds(folder: Path, suffixes: frozenset[str]) -> bool:
    """Whether a sub-folder, or one of ``train`` or ``test``, has such a file."""
    if not folder.is_dir():
        return False
    inner = (folder / part for part in PARTS if (folder / part).is_dir())
    return any(
        is_wanted(path, suffixes)
        for root in (folder, *inner)
        for sub in sub_folders(root)
        for path in sub.iterdir()
    )


def is_wanted(path: Path, suffixes: frozenset[str]) -> bool:
    """Whether it is a file with one of the suffixes, and not hidden."""
    return path.suffix.lower() in suffixes and not path.name.startswith(".") and path.is_file()


def list_files(folder: Path, part: str, suffixes: frozenset[str], what: str) -> Files:
    """The files of the classes in ``folder``, or in its sub-folder ``part``; of ``all`` in both.

    Raises DataError where the classes are not one sub-folder each: where there are none, or one is
    empty, or two have one name but for capitals and blanks, or one holds further folders of files,
    or where train and test have other classes.
    """
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder; name one with a sub-folder of {what} per class")
    split = has_parts(folder)
    check_half(folder, suffixes, split)
    if not split:
        return files_below(folder, folder, suffixes, what)
    train, test = (files_below(folder, folder / name, suffixes, what) for name in PARTS)
    if train.classes != test.classes:
        odd = sorted({*train.classes} ^ {*test.classes})[0]
        has, lacks = PARTS if odd in train.classes else PARTS[::-1]
        raise DataError(
            f"{folder}: {has}/ has the class {quote(odd)}, which {lacks}/ lacks; both need the same"
        )
    if part != "all":
        return train if part == "train" else test
    labels = np.concatenate([train.labels, test.labels])
    return Files(folder, [*train.paths, *test.paths], labels, train.classes)


def check_half(folder: Path, suffixes: frozenset[str], split: bool) -> None:
    """Raise DataError where only one of train and test is there, with classes in it."""
    for part, other in (PARTS, PARTS[::-1]):
        alone = not split and (folder / part).is_dir() and not (folder / other).is_dir()
        if alone and any(
            is_wanted(path, suffixes)
            for sub in sub_folders(folder / part)
            for path in sub.iterdir()
        ):
            raise DataError(
                f"{folder} has {part}/ but no {other}/; add it, or name {folder / part} to have it "
                "split by a seed"
            )


def files_below(base: Path, root: Path, suffixes: frozenset[str], what: str) -> Files:
    """The files of the classes that are sub-folders of ``root``."""
    folders = sub_folders(root)
    check_names(root, folders)
    if not folders:
        loose = sum(is_wanted(path, suffixes) for path in root.iterdir())
        there = f"{loose} {what} lie in it without a class" if loose else "it has no sub-folders"
        raise DataError(
            f"{root} has no classes ({there}); put the {what} into sub-folders, one a class"
        )
    paths, labels = list[Path](), list[int]()
    for label, sub in enumerate(folders):
        found = class_files(sub, suffixes, what)
        paths += found
        labels += [label] * len(found)
        if len(paths) > MAX_FILES:
            raise DataError(f"{root} has more than {MAX_FILES} {what}; take a part of them")
    names = tuple(" ".join(sub.name.split()) for sub in folders)
    return Files(base, paths, np.array(labels, np.int64), names)


def check_names(root: Path, folders: list[Path]) -> None:
    """Raise DataError where two folders would be one class, or there are too many."""
    if len(folders) > MAX_CLASSES:
        raise DataError(f"{root} has {len(folders)} sub-folders, more than {MAX_CLASSES} classes")
    seen: dict[str, Path] = {}
    for sub in folders:
        key = " ".join(sub.name.split()).casefold()
        if key in seen:
            raise DataError(
                f"{root}: the folders {quote(seen[key].name)} and {quote(sub.name)} are one class "
                "by name; put their files into one, or rename one"
            )
        seen[key] = sub


def class_files(folder: Path, suffixes: frozenset[str], what: str) -> list[Path]:
    """The files of one class, by name."""
    found = sorted(path for path in folder.iterdir() if is_wanted(path, suffixes))
    for inner in sub_folders(folder):
        if any(is_wanted(path, suffixes) for path in inner.iterdir()):
            raise DataError(
                f"{folder} holds further folders of {what}, such as {inner.name!r}: are they "
                "classes of their own? Put every class into one folder without sub-folders"
            )
    if not found:
        ends = ", ".join(sorted(suffixes))
        raise DataError(
            f"the class {folder.name!r} is empty: {folder} has no {what} ({ends}); add some, or "
            "remove the folder"
        )
    return found
