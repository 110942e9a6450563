"""IDX files of any data set, as those of MNIST are."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from subbit.sw.data.mnist import read_idx
from subbit.sw.data.source import DataOptions, Kind, Reading, Source, check_size
from subbit.sw.errors import DataError

__all__ = ["IdxFiles", "byte_source", "check_empty"]

ENDS = ("-idx3-ubyte", ".idx3-ubyte")
STEMS = {"train": ("train",), "test": ("t10k", "test")}


class IdxFiles(Kind):
    """IDX files as of MNIST, plain or gzip: ``train-images-idx3-ubyte`` and so on; ``t10k`` or
    ``test`` for the test set. Or one pair ``NAME-images-idx3-ubyte``, ``NAME-labels-idx1-ubyte``.
    """

    name = "idx"
    what = "IDX files"
    family = "pictures"
    inside = "IDX files"

    def is_it(self, path: Path) -> bool:
        """Whether the folder has a file of images by name."""
        return path.is_dir() and bool(image_files(path))

    def parts(self, path: Path) -> tuple[str, ...]:
        """Train and test, or the only pair; raises DataError where there are others."""
        stems = [stem_of(found) for found in image_files(path)]
        named = [part for part, names in STEMS.items() if any(name in stems for name in names)]
        if len(named) == 2:
            return ("train", "test")
        if len(stems) != 1:
            raise DataError(
                f"{path} has the IDX images {', '.join(stems)[:200] or 'none'}; name them train "
                "and t10k, or keep one pair in the folder"
            )
        return ("all",)

    def look(self, path: Path, options: DataOptions) -> Reading:
        """Nothing: the files say it themselves."""
        return {}

    def check(self, reading: Reading) -> None:
        """There is nothing in it."""
        check_empty(reading)

    def open(self, path: Path, part: str, reading: Reading) -> Source:
        """The images and labels of a part."""
        parts = self.parts(path)
        wanted = [part] if part in parts else list(parts)
        images, labels = zip(*(self.pair(path, name) for name in wanted), strict=True)
        return byte_source(
            path, np.concatenate(images)[..., None], np.concatenate(labels).astype(np.int64)
        )

    def pair(self, path: Path, part: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Images and labels of one pair of files."""
        stems = STEMS.get(part, ())
        files = [p for p in image_files(path) if part == "all" or stem_of(p) in stems]
        images = files[0]
        name = images.name.replace("-images", "-labels", 1).replace("idx3", "idx1", 1)
        plain = name.removesuffix(".gz")
        found = [path / n for n in (name, plain, f"{plain}.gz") if (path / n).is_file()]
        if not found:
            raise DataError(f"{path} has {images.name}, but no {plain}; put the labels beside it")
        pixels, labels = read_idx(images, 3), read_idx(found[0], 1)
        if len(pixels) != len(labels):
            raise DataError(
                f"{path}: {images.name} has {len(pixels)} images, {found[0].name} {len(labels)} "
                "labels; the files are not one set's"
            )
        return pixels, labels


def image_files(path: Path) -> list[Path]:
    """The files of images, by name."""
    return sorted(p for p in path.iterdir() if stem_of(p) and p.is_file())


def stem_of(path: Path) -> str:
    """What stands before ``-images-idx3-ubyte``; empty for other files."""
    name = path.name.removesuffix(".gz")
    for end in ENDS:
        if name.endswith(f"-images{end}"):
            return name.removesuffix(f"-images{end}")
    return ""


def byte_source(
    path: Path,
    images: NDArray[np.uint8],
    labels: NDArray[np.int64],
    classes: tuple[str, ...] | None = None,
) -> Source:
    """A source of images that are in memory."""
    check_size(path, len(images), images.shape[1:])
    whole = np.ascontiguousarray(images)
    classes = classes or tuple(map(str, range(int(labels.max()) + 1)))
    return Source(labels, classes, lambda places: whole[places], lambda: whole.data)


def check_empty(reading: Reading) -> None:
    """Raise DataError if there is something in ``reading``."""
    if reading:
        raise DataError("the network's 'reading' of such files must be empty; train it again")
