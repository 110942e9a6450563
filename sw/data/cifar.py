"""The binary files of CIFAR-10 and CIFAR-100."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from subbit.sw.data.cifar10 import CLASSES, FILES, read_records
from subbit.sw.data.files import read_data
from subbit.sw.data.idx import byte_source, check_empty
from subbit.sw.data.source import DataOptions, Kind, Reading, Source
from subbit.sw.errors import DataError

__all__ = ["Cifar10Files", "Cifar100Files"]

PIXELS = 3 * 32 * 32
MAX_NAMES_BYTES = 1 << 16
FILES_100 = {"train": ("train.bin",), "test": ("test.bin",)}


class Cifar10Files(Kind):
    """The binary version of CIFAR-10, in the folder or in its sub-folder."""

    name = "cifar10"
    what = "the binary files of CIFAR-10"
    family = "pictures"
    inside = "binary files of CIFAR"
    files: Mapping[str, tuple[str, ...]] = FILES
    inner = "cifar-10-batches-bin"

    def is_it(self, path: Path) -> bool:
        """Whether one of the files is there."""
        return path.is_dir() and any(self.place(path, name) for name in self.names())

    def names(self) -> list[str]:
        """The names of all files."""
        return [name for names in self.files.values() for name in names]

    def place(self, path: Path, name: str) -> Path | None:
        """Where the file of that name is."""
        for found in (path / name, path / self.inner / name):
            if found.is_file():
                return found
        return None

    def parts(self, path: Path) -> tuple[str, ...]:
        """Train and test, or all where only some of the files are there."""
        whole = all(self.place(path, name) for name in self.names())
        return ("train", "test") if whole else ("all",)

    def look(self, path: Path, options: DataOptions) -> Reading:
        """Nothing: all such files are alike."""
        return {}

    def check(self, reading: Reading) -> None:
        """There is nothing in it."""
        check_empty(reading)

    def open(self, path: Path, part: str, reading: Reading) -> Source:
        """The records of a part, of the files that are there."""
        names = self.files.get(part) or tuple(self.names())
        places = [found for found in (self.place(path, name) for name in names) if found]
        if not places:
            raise DataError(f"{path} has no {names[0]}, which is one of {self.what}; put it there")
        records = np.concatenate([self.records(found) for found in places])
        planes = records[:, -PIXELS:].reshape(-1, 3, 32, 32)
        labels = records[:, -PIXELS - 1].astype(np.int64)
        return byte_source(path, planes.transpose(0, 2, 3, 1), labels, self.classes(path))

    def records(self, path: Path) -> NDArray[np.uint8]:
        """The records of a file, which end in a label and three planes of pixels."""
        return read_records(path)

    def classes(self, path: Path) -> tuple[str, ...]:
        """The names of the classes."""
        return CLASSES


class Cifar100Files(Cifar10Files):
    """The binary version of CIFAR-100, with its 100 fine classes, whose names are in the file
    ``fine_label_names.txt``; without it they are numbers.
    """

    name = "cifar100"
    what = "the binary files of CIFAR-100"
    files = FILES_100
    inner = "cifar-100-binary"
    count = 100

    def records(self, path: Path) -> NDArray[np.uint8]:
        """A coarse and a fine label, and the planes."""
        content, size = read_data(path), 2 + PIXELS
        if not content or len(content) % size:
            raise DataError(
                f"{path} holds {len(content)} bytes, not a whole number of {size}-byte records; "
                "fetch it again"
            )
        records = np.frombuffer(content, np.uint8).reshape(-1, size)
        if records[:, 1].max() >= self.count:
            raise DataError(f"{path} has the label {records[:, 1].max()}; it is no CIFAR-100 file")
        return records

    def classes(self, path: Path) -> tuple[str, ...]:
        """The names in the file of the names."""
        file = self.place(path, "fine_label_names.txt")
        if file is None:
            return tuple(map(str, range(self.count)))
        names = tuple(read_data(file, MAX_NAMES_BYTES).decode("utf-8", "replace").split())
        if len({*names}) != self.count:
            raise DataError(f"{file} has {len({*names})} names, not {self.count}; fetch it again")
        return names
